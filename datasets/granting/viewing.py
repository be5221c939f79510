"""Looking at a data set as a grantee would: the owner's managers see what a grant gives, by the grantee's own path."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from datasets.models import Dataset
from departments.access import Actor, Verb, require, seen_through
from departments.models import Grant


def viewer(actor: Actor, dataset: Dataset, view_as: str) -> Actor:
    """Who looks: the actor, or with `view_as`, the id of a grant on the data set, whoever holds that grant.

    Raises Refused (403) unless the actor manages the data set, 404 for a grant that has ended or is none of it.
    """
    if not view_as:
        return actor
    require(actor, Verb.MANAGE, dataset)
    grants = Grant.objects.select_related("department").filter(object_kind="dataset", object_id=dataset.pk)
    grant = grants.filter(pk=_uuid(view_as)).first()
    if grant is None or grant.state not in ("granted", "planned"):
        raise Http404
    return seen_through(grant, actor)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
