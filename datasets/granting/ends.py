"""What the end of a grant means for data sets: the grantee's recipes, whose previews end with the access itself, and
the copies that it was allowed to keep."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from datasets.models import DatasetVersion, Recipe
from departments.consequences import MOST, Affected
from departments.models import Grant


def find_recipes(grant: Grant) -> Iterator[Affected]:
    if grant.object_kind != Grant.Kind.DATASET:
        return
    used = Q(dataset=grant.object_id) | Q(steps__icontains=str(grant.object_id))  # also what joins the data to other
    for recipe in Recipe.objects.filter(used, department=grant.department_id)[:MOST]:
        url = f"{reverse('datasets:recipe', args=[recipe.dataset_id])}?recipe={recipe.pk}"
        yield Affected(recipe.pk, recipe.name, url, "ready", recipe.created_at)


def find_copies(grant: Grant) -> Iterator[Affected]:
    """Data sets that the grantee prepared from the data. The grant let them be exported, so they stay; they are named."""
    if grant.object_kind != Grant.Kind.DATASET:
        return
    made = DatasetVersion.objects.filter(derived_from__dataset=grant.object_id, department_id=grant.department_id)
    for version in made.select_related("dataset").defer("profile")[:MOST]:
        url = f"{reverse('datasets:detail', args=[version.dataset_id])}?version={version.number}"
        note = _("a copy that the grant allowed to keep")
        yield Affected(version.pk, str(version), url, version.state, version.created_at, note)
