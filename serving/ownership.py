"""What callers asked, and what came of it, belongs to the department that owns the deployment."""

from __future__ import annotations

from django.utils.translation import gettext as _

from departments.access import Actor, Decision, Verb, decide_in
from rest.problems import Refused
from serving.models import Deployment


def require_own(actor: Actor, deployment: Deployment) -> Decision:
    """Members of the owning department see it; a grant to predict does not open it. Raises Refused (403)."""
    decision = decide_in(actor, Verb.PREVIEW, deployment.department_id)
    if not decision.allowed:
        detail = _("The log of predictions is for members of the department that owns the deployment.")
        raise Refused("own-department", detail, status=403)
    return decision
