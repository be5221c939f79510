"""A version's uncertainty, learned anew by group."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from serving.inputs import inputs_of
from serving.models import Deployment
from serving.runtime.groups import Grouping
from serving.snapshots import touch
from serving.uncertainty.learned import learn
from serving.uncertainty.models import ModelUncertainty
from training.columns import TYPES, values_of
from training.models import ModelVersion
from training.scored import scored_rows


def group_by(*, actor: Actor, version: ModelVersion, by: str) -> ModelUncertainty:
    """Give each group of an input its own quantiles (Mondrian), so that the level holds in every one of them; an empty
    `by` gives all rows the same again. Needs the verbs deploy on the model and preview on its data."""
    decision = require(actor, Verb.DEPLOY, version)
    rows = scored_rows(version)
    if rows is None:
        detail = _("This version kept no scored rows, so nothing is known of its errors. Train it again.")
        raise Refused("no-scored-rows", detail)
    grouping, values = None, None
    if by:
        inputs = {column.name for column in inputs_of(version) if column.type in TYPES}
        if by not in inputs:
            message = _("a group must be known when the model answers: choose an input of it, one of %s")
            raise invalid("by", message % ", ".join(sorted(inputs)[:50]))
        values = values_of(actor=actor, version=version, column=by, rows=rows.row)
        grouping = Grouping.fit(by, values)
    with transaction.atomic():
        made, _new = ModelUncertainty.objects.update_or_create(
            model_version=version,
            defaults={**learn(version.task, rows, grouping, values), "created_by_id": actor.person_id},
        )
        touch(Deployment.objects.filter(model_version=version).values_list("pk", flat=True))
        details = {"by": by, "rows": made.conformal["bounds"]["counts"][0]}
        record("model_version.uncertainty", version, rule=decision.rule, version=version.number, details=details)
    return made
