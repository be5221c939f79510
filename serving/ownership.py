"""What callers asked, how it was decided and what came of it belongs to the department that owns the model."""

from __future__ import annotations

from django.utils.translation import gettext as _

from departments.access import Actor, Decision, Protected, Verb, decide_in
from rest.problems import Refused


def require_own(actor: Actor, obj: Protected) -> Decision:
    """Members of the owning department see it; a grant to predict does not open it. Raises Refused (403)."""
    decision = decide_in(actor, Verb.PREVIEW, obj.department_id)
    if not decision.allowed:
        detail = _("What is asked, answered and decided is seen by members of the department that owns it.")
        raise Refused("own-department", detail, status=403)
    return decision
