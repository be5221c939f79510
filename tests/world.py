"""One of everything in Credit Risk, with names and cell values that must not leak."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

# Stands in the name of every object of Credit Risk, and in a cell of its data set.
NAME_CANARY = "zqname"
ROW_CANARY = "zqcell"
CSV = (
    "age,income,grade,defaulted\n"
    + "".join(f"{20 + i},{1000 + 37 * (i % 11)},{'zqcell' if i % 3 else 'plain'},{int(i % 5 > 2)}\n" for i in range(60))
).encode()


class World(SimpleNamespace):
    """The objects by name: dataset, version, recipe, run, study, model, model_version, deployment, job, grant, token…"""

    def fill(self, spec: str) -> Any:
        """ "dataset.pk" → the world's value; "=literal" → literal."""
        if spec.startswith("="):
            return spec[1:]
        value: Any = self
        for part in spec.split("."):
            value = getattr(value, part)
        return value

    def fill_body(self, body: Any) -> Any:
        """Replace "$dataset.pk" within a body."""
        if isinstance(body, dict):
            return {key: self.fill_body(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self.fill_body(item) for item in body]
        if isinstance(body, str) and body.startswith("$"):
            return str(self.fill(body[1:]))
        return body


def grant_to_clinic(obj: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Any:
    from departments.services import create_grant

    return create_grant(
        obj=obj,
        department=departments.clinic,
        verbs=["discover", "preview", "train", "predict"],
        created_by=people.mona,
        purpose="joint study",
        expires_at=timezone.now() + timedelta(days=30),
    )
