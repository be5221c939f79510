"""What the page of one grant shows."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from departments.access import Actor
from departments.consequences import consequences_of, covering
from departments.ending import may_extend
from departments.forms import ExtendForm, RevokeForm
from departments.models import Grant, GrantEnd
from departments.projection import as_received
from departments.rights import may_end, sees_consequences
from departments.targets import names_of, url_of

LIVE = ("granted", "planned")


def page_of_grant(actor: Actor, grant: Grant) -> dict[str, Any]:
    end = GrantEnd.objects.filter(grant=grant).select_related("created_by").first()
    sees = sees_consequences(actor, grant)
    is_live = grant.state in LIVE
    asks_on = is_live and grant.department_id in actor.roles and not grant.may_extend and grant.expires_at is not None
    groups = consequences_of(grant) if sees else []
    return {
        "grant": grant,
        "received": as_received(grant),
        "name": names_of([(grant.object_kind, grant.object_id)], actor).get(grant.object_id, ""),
        "object_url": url_of(grant.object_kind, grant.object_id),
        "is_live": is_live,
        "end": end,
        "groups": groups,
        "is_used": any(group.items for group in groups),
        "sees": sees,
        "covering": covering(grant) if sees else None,
        # Pages of what the grantee made open for its own members alone.
        "opens": grant.department_id in actor.roles,
        "may": {
            "revoke": is_live and may_end(actor, grant),
            "extend": may_extend(actor, grant),
            "lift": end is not None and end.lifted_at is None and any(end.affected.values()) and may_end(actor, grant),
        },
        "ask_again": f"{reverse('departments:request-access', args=[grant.object_kind, grant.object_id])}?extends={grant.pk}"
        if asks_on
        else "",
        "revoke_form": RevokeForm(initial={"choice": grant.on_end}),
        "extend_form": ExtendForm(),
    }
