"""A policy's settings over a model version: fitted, chosen where they ask for it, and judged on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from departments.access import Actor
from rest.problems import Refused, invalid
from serving.policies.held import HeldOut, held_out, without_rows
from serving.policies.models import DecisionPolicy
from serving.policies.settings import LEAST_COST, Settings
from serving.runtime.decisions import calibration, thresholds
from serving.runtime.decisions.judging import Held, Judged, Prices, Unit, changed, judge, reliability_of
from serving.runtime.decisions.money import Costs, amount
from serving.runtime.decisions.policy import FORMAT, REVIEW, Chosen, Policy
from serving.runtime.decisions.reliability import Reliability
from serving.runtime.decisions.rules import Rule, columns_of
from serving.runtime.predictor import key_of
from training.models import ModelVersion

NONE = {"method": "none"}


def positive_of(classes: list[Any], label: Any) -> int:
    return [key_of(each) for each in classes].index(key_of(label))


def document_of(version: ModelVersion, settings: Settings, fitted: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What `serving.runtime.decisions.policy.Policy` reads."""
    classes = list(version.manifest.get("classes") or [])
    document = {
        "format": FORMAT, "number": number, "task": version.task, "classes": classes, "calibration": fitted,
        "review": settings["review"], "rules": settings["rules"], "locked": settings["locked"],
    }  # fmt: skip
    if version.task == "binary":
        return {**document, "positive": positive_of(classes, settings["positive"]), "threshold": settings["threshold"]}
    if version.task == "multiclass":
        return {**document, "costs": {"matrix": settings["costs"]["matrix"]}}
    return {**document, "shift": settings["shift"]}


def plain(version: ModelVersion) -> Policy:
    """What is decided without a policy: the likeliest class, the value as it is."""
    k = len(version.manifest.get("classes") or [])
    settings: Settings = {"review": None, "rules": [], "locked": [], "shift": 0.0, "threshold": 0.5}
    settings["positive"] = (version.manifest.get("classes") or [None, None])[-1]
    settings["costs"] = {"matrix": [[str(int(t != d)) for d in range(k)] for t in range(k)]}
    return Policy(document_of(version, settings, NONE, 0))


def prices_of(version: ModelVersion, settings: Settings) -> Prices:
    """The cost table by class codes, or by unit for regression."""
    costs = settings["costs"]
    if version.task == "regression":
        return Unit(amount(costs["over"]), amount(costs["under"]), amount(costs["review"]))
    if version.task == "multiclass":
        return Costs.from_json(costs)
    ordered = two_sided(settings)
    if positive_of(list(version.manifest["classes"]), settings["positive"]) == 1:
        return ordered
    (tn, fp), (fn, tp) = ordered.matrix
    return Costs(((tp, fn), (fp, tn)), ordered.review)


def two_sided(settings: Settings) -> Costs:
    """[[tn, fp], [fn, tp]], whichever class is the positive one."""
    costs = settings["costs"]
    return Costs.from_json(
        {"matrix": [[costs["tn"], costs["fp"]], [costs["fn"], costs["tp"]]], "review": costs["review"]}
    )


@dataclass(frozen=True)
class Evaluation:
    """Settings with everything chosen, what was fitted, and the policy; figures need held-out rows (`held`)."""

    version: ModelVersion
    settings: Settings
    calibration: Mapping[str, Any]
    policy: Policy
    before: Policy
    held: HeldOut | None

    @cached_property
    def prices(self) -> Prices:
        return prices_of(self.version, self.settings)

    @cached_property
    def chosen(self) -> Chosen:
        return self._choose(self.policy)

    @cached_property
    def chosen_before(self) -> Chosen:
        """By the policy in use, or by the model alone."""
        return self._choose(self.before)

    def _choose(self, policy: Policy) -> Chosen:
        assert self.held is not None
        return policy.choose(self.held.test.rows, self.held.test.prediction)

    @cached_property
    def judged(self) -> Judged:
        assert self.held is not None
        return judge(self.policy, self.prices, self.held.test, self.chosen)

    @cached_property
    def judged_before(self) -> Judged:
        """What is in use, at the costs of these settings."""
        assert self.held is not None
        return judge(self.before, self.prices, self.held.test, self.chosen_before)

    @cached_property
    def reliabilities(self) -> tuple[Reliability, Reliability]:
        """Before and after calibration, on the test rows."""
        assert self.held is not None
        test = self.held.test
        return (
            reliability_of(self.policy, test.prediction, test.truth),
            reliability_of(self.policy, self.chosen.probabilities, test.truth),
        )

    @cached_property
    def figures(self) -> dict[str, Any]:
        """The figures as JSON: saved with the policy and answered by the API. Empty without held-out rows."""
        if self.held is None:
            return {}
        judged, before = self.judged, self.judged_before
        found: dict[str, Any] = {
            "rows": judged.rows, "fitted_on": len(self.held.fit), "in_sample": self.held.in_sample,
            "reviewed": judged.reviewed, "money": str(judged.money), "money_before": str(before.money),
            "changed": changed(self.chosen_before, self.chosen),
            "rules": [
                {"name": rule.name, "rows": n, "share": n / max(1, judged.rows)}
                for rule, n in zip(self.policy.rules, judged.touched, strict=True)
            ],
        }  # fmt: skip
        if self.policy.rules:
            alone = judge(self.policy, self.prices, without_rows(self.held.test))
            found["without_rules"] = {"money": str(alone.money), "reviewed": alone.reviewed, "counts": alone.counts}
        if self.version.task == "regression":
            return {**found, "over": judged.over, "under": judged.under}
        raw, after = self.reliabilities
        return {
            **found,
            "counts": judged.counts,
            "accuracy": judged.right / judged.decided if judged.decided else None,
            "ece_before": raw.ece,
            "ece_after": after.ece,
            "reliability_before": [asdict(each) for each in raw.bins],
            "reliability_after": [asdict(each) for each in after.bins],
        }


def evaluate(
    *, actor: Actor, version: ModelVersion, settings: Settings, in_use: DecisionPolicy | None = None
) -> Evaluation:
    """Fit, choose and judge checked settings. `in_use` is what they are compared with.

    Raises Refused: 409 where something is to be fitted or chosen and the version keeps no held-out rows, 403 where its
    rules would be judged on rows that the actor may not train on.
    """
    rules = [Rule.from_json(item) for item in settings["rules"]]
    before = Policy(in_use.document) if in_use and in_use.model_version_id == version.pk else plain(version)
    columns = list(dict.fromkeys([*columns_of(rules), *before.reads]))
    held = held_out(actor=actor, version=version, columns=columns)
    fitted = _fitted(version, settings, held)
    settings = _with_choices(version, settings, fitted, held)
    policy = Policy(document_of(version, settings, fitted, 0))
    return Evaluation(version, settings, fitted, policy, before, held)


def _fitted(version: ModelVersion, settings: Settings, held: HeldOut | None) -> dict[str, Any]:
    method = settings.get("calibration", "none")
    if method == "none":
        return NONE
    if held is None:
        raise no_held_out()
    positive = positive_of(version.manifest["classes"], settings["positive"]) if version.task == "binary" else 1
    fit = held.fit
    try:
        return calibration.fit(method, fit.prediction, fit.truth, positive=positive, weight=fit.weight)
    except ValueError as error:
        raise invalid("calibration", str(error)) from None


def no_held_out() -> Refused:
    detail = _(
        "This version keeps no answers on held-out rows (it was trained before they were kept, or elsewhere), so nothing can "
        "be fitted or chosen on them. Train it again, or give a threshold and no calibration."
    )
    return Refused("no_held_out_rows", detail)


def _with_choices(
    version: ModelVersion, settings: Settings, fitted: Mapping[str, Any], held: HeldOut | None
) -> Settings:
    """The settings with what they leave to the least cost, chosen on the rows that calibration is fitted on."""
    asked = [settings.get(name) for name in ("threshold", "review", "shift")]
    if LEAST_COST not in asked:
        return settings
    if held is None:
        raise no_held_out()
    if version.task == "regression":
        residual = held.fit.truth - held.fit.prediction[:, 0]
        table = thresholds.shifts(thresholds.shift_grid(residual), residual)
        costs = settings["costs"]
        place = table.least_cost(amount(costs["over"]), amount(costs["under"]))
        return {**settings, "shift": float(table.grid[place])}
    return _threshold_chosen(version, settings, fitted, held)


def _threshold_chosen(version: ModelVersion, settings: Settings, fitted: Mapping[str, Any], held: HeldOut) -> Settings:
    stand_in = {**settings, "threshold": 0.5, "review": None}
    policy = Policy(document_of(version, stand_in, fitted, 0))
    table = table_of(policy, held.fit, grid_of(policy, held.fit, held.test))
    costs, review, threshold = two_sided(settings), settings["review"], settings["threshold"]
    if review == LEAST_COST:
        low, high = table.least_cost(costs, band=True)
        review = {"low": float(table.grid[low]), "high": float(table.grid[high])} if low < high else None
    if threshold == LEAST_COST:
        threshold = float(table.grid[table.least_cost(costs)[0]])
    if review is not None:
        threshold = min(max(threshold, review["low"]), review["high"])
    return {**settings, "threshold": threshold, "review": review}


def grid_of(policy: Policy, *held: Held, extra: tuple[float, ...] = ()) -> np.ndarray:
    """The thresholds that these rows tell apart."""
    scores = [policy.choose(None, each.prediction).probabilities[:, policy.positive] for each in held]
    return thresholds.grid(np.concatenate(scores), extra)


def table_of(policy: Policy, held: Held, grid: np.ndarray) -> thresholds.Table:
    """What each threshold would do to the rows, with the policy's calibration and rules."""
    chosen = policy.choose(held.rows, held.prediction)
    positive = policy.positive
    sides = np.where(chosen.codes == REVIEW, 2, np.where(chosen.codes == positive, 1, 0))
    ruled = np.where(chosen.rule < 0, -1, sides)
    return thresholds.table(grid, chosen.probabilities[:, positive], held.truth == positive, ruled)
