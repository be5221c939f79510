"""Everything that a report on a model version says, gathered for one reader."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused
from serving.charts import Dot, dots
from serving.fairness.services import Fairness, fairness_of
from serving.fairness.views import charts_of
from serving.reporting import figures
from serving.runtime.uncertainty.conformal import REGRESSION
from serving.uncertainty import shown
from training import results
from training.cards import sees_values
from training.columns import columns_open
from training.models import ModelVersion
from training.overrides import with_overrides
from training.revoked import data_revoked
from training.scored import scored_rows

GROUPED_BY = 3  # columns that a report is grouped by when none is named
FEW = 12


def report_of(*, actor: Actor, version: ModelVersion, by: list[str] | None = None) -> dict[str, Any]:
    """The report's content. What names values of rows (classes, ranges, groups) is left out for a reader who may not
    see them. `by` are the columns of the fairness section; left out, the first few with few values. Audited."""
    decision = require(actor, Verb.DISCOVER, version)
    values, own = sees_values(actor, version), version.department_id in actor.roles
    rows, card = scored_rows(version), version.card
    found = figures.of_version(rows, version.task)
    told = shown.told(version)
    record("model_version.report", version, rule=decision.rule, version=version.number)
    fair = _fairness(actor, version, by)
    return {
        "version": version,
        "model": version.model,
        "card": card,
        "own": own,
        "sees_values": values,
        "made_at": timezone.now(),
        "made_by": actor.username,
        "findings": with_overrides(version),
        "revoked": data_revoked(version),
        "headline": results.headline(version.task, card.get("metrics") or {}, card.get("baseline") or {}),
        "table": results.table(card.get("metrics") or {}, card.get("baseline") or {}),
        "params": results.params_of(version.family, card.get("params") or {}),
        "inputs": version.manifest.get("inputs") or [],
        "figures": found,
        "metrics": [(results.WORDS.get(each.name, each.name), each) for each in found.get("metrics", [])],
        "calibration_chart": _calibration(found),
        "certainty": told,
        "coverage_chart": _coverage(told),
        "fairness": [{"found": each, "charts": charts_of(each)} for each in fair],
        "policies": list(version.policies.select_related("created_by")[:5]) if own else [],
        "deployments": list(version.deployments.order_by("name")[:20]) if own else [],
        "limits": _limits(version, rows is not None, fair),
        "is_regression": version.task == REGRESSION,
    }


def _fairness(actor: Actor, version: ModelVersion, by: list[str] | None) -> list[Fairness]:
    """By the named columns, refusing what cannot be; by none named, those that are open and have few values."""
    if by:
        return [fairness_of(actor=actor, version=version, by=column) for column in by[:GROUPED_BY]]
    if version.run is None:
        return []
    profile = (version.run.dataset_version.profile or {}).get("by_column", {})
    few = {name for name, figures in profile.items() if 2 <= (figures.get("distinct") or 0) <= FEW}
    columns = [name for name in columns_open(actor, version) if name in few and name != version.target][:GROUPED_BY]
    found = []
    for column in columns:
        try:
            found.append(fairness_of(actor=actor, version=version, by=column))
        except Refused:  # a version without scored rows, or data that changed since: the section says so by its absence
            return found
    return found


def _calibration(found: dict[str, Any]) -> Any:
    bins = found.get("bins") or []
    rows = [Dot(f"{each.told:.1%}", each.observed, each.low, each.high) for each in bins]
    return dots(_("Share that came true, by the probability told"), rows, whole=True)


def _coverage(told: shown.Told | None) -> Any:
    rows = [
        Dot(f"{each['level']:.0%}", each["share"], each["low"], each["high"]) for each in (told.levels if told else [])
    ]
    return dots(_("Share covered on held-out rows, by the level asked for"), rows)


def _limits(version: ModelVersion, scored: bool, fair: list[Fairness]) -> list[str]:
    """What this model is not to be relied on for, as far as the platform knows."""
    card = version.card
    said = [
        _("It answers “%(target)s” for cases like those of “%(data)s”; values outside the ranges it saw are guesses.")
        % {"target": version.target, "data": (card.get("dataset") or {}).get("name", "–")},
        _(
            "Its figures hold while the world stays as it was in that data; watch drift and the outcomes that come back."
        ),
        _("It finds associations. It does not tell what would happen if an input were changed on purpose."),
    ]
    if not scored:
        said.append(_("No scored rows were kept with it: intervals, calibration and fairness are unknown."))
    small = [group.name for each in fair for group in each.groups if group.is_small]
    if small:
        names = ", ".join(small[:10])
        said.append(_("Some groups are too small to judge by (%s).") % names)
    if card.get("stopped_early"):
        said.append(_("Its training was stopped early; more time might have given a better model."))
    return said
