"""What the end of a grant means for data sets: the grantee's recipes, whose previews end with the access itself."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.urls import reverse

from datasets.models import Recipe
from departments.consequences import MOST, Affected
from departments.models import Grant


def find_recipes(grant: Grant) -> Iterator[Affected]:
    if grant.object_kind != Grant.Kind.DATASET:
        return
    used = Q(dataset=grant.object_id) | Q(steps__icontains=str(grant.object_id))  # also what joins the data to other
    for recipe in Recipe.objects.filter(used, department=grant.department_id)[:MOST]:
        url = f"{reverse('datasets:recipe', args=[recipe.dataset_id])}?recipe={recipe.pk}"
        yield Affected(recipe.pk, recipe.name, url, "ready", recipe.created_at)
