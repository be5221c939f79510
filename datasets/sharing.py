"""Letting another department use a data set: terms that fit its table, given, changed and shown beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from datasets import masking
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.schema import Schema
from departments.models import Grant
from departments.services import create_grant, update_grant
from rest.problems import invalid

TERMS = ("columns", "masks", "rows")


def share(*, dataset: Dataset, **given: Any) -> Grant:
    """Make a grant on a data set; see departments.services.create_grant. Raises Refused (422) with the field."""
    check(dataset, given)
    return create_grant(obj=dataset, **given)


@transaction.atomic
def change(*, dataset: Dataset, grant: Grant, **given: Any) -> Grant:
    """Change a grant's terms. They hold from the next request on, and for what runs within a second."""
    check(dataset, {name: given.get(name, getattr(grant, name)) for name in TERMS})
    return update_grant(grant=grant, **given)


def check(dataset: Dataset, given: Mapping[str, Any]) -> None:
    """Raise Refused (422) for terms by which the newest version cannot be given."""
    columns, masks, rows = given.get("columns"), given.get("masks") or {}, list(given.get("rows") or ())
    if columns is None and not masks and not rows:
        return
    version = newest_ready(dataset)
    if version is None:
        raise invalid("columns", _("no version of the data set is ready yet; choose columns when one is"))
    try:
        masking.check_terms(Schema.from_json(version.schema), columns, masks, rows)
    except masking.UnfitTerms as error:
        raise invalid(error.field, error.message) from None


def newest_ready(dataset: Dataset) -> DatasetVersion | None:
    """The newest version that can be read, without its profile."""
    found: DatasetVersion | None = (
        dataset.versions.defer("profile").filter(state=VersionState.READY).order_by("-number").first()
    )
    return found
