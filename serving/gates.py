"""What stands between a model version and callers: the same question, files that answer, no open finding."""

from __future__ import annotations

from django.utils.translation import gettext as _

from departments.access import Actor
from rest.problems import invalid
from serving.models import Deployment
from training.models import ModelVersion
from training.overrides import override, require_none_open


def let_through(actor: Actor, version: ModelVersion, reason: str) -> None:
    """Raise Refused (409) while findings are open; `reason` says why they may pass nevertheless."""
    if reason:
        override(actor=actor, version=version, reason=reason)
    require_none_open(version)


def check_same_answer(deployment: Deployment, version: ModelVersion) -> None:
    """Callers of a name rely on what it answers: the target and its kind stay."""
    if version.department_id != deployment.department_id:
        raise invalid("model_version", _("a model is deployed in the department that owns it"))
    now = deployment.model_version
    if (now.target, now.task) != (version.target, version.task):
        detail = _(
            "This name answers “%(target)s” (%(task)s); deploy a model that answers something else under its own name"
        )
        raise invalid("model_version", detail % {"target": now.target, "task": now.task})
