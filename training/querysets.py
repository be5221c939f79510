"""Who may see which run, study, model and model version."""

from __future__ import annotations

from typing import Self

from django.db.models import Q

from departments.querysets import ProtectedQuerySet

LIVE = ("queued", "running", "paused")


class RunQuerySet(ProtectedQuerySet):
    def in_state(self, state: str) -> Self:
        """Runs that are in `state` now; of a run that lives, its job knows."""
        if state in LIVE:
            return self.filter(Q(job__state=state) | Q(job=None, state=state), state__in=LIVE)
        return self.filter(state=state)

    def with_what_lists_show(self) -> Self:
        return self.select_related(
            "department", "dataset_version__dataset", "job", "created_by", "model_version__model"
        )


class ModelQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "pk"


class ModelVersionQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "model_id"
