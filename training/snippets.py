"""The same training as a call to the API: for the page's “copy as curl / Python”."""

from __future__ import annotations

import json
import pprint
from typing import Any

from datasets.models import DatasetVersion, Recipe
from training.configuration import Request
from training.engine.demands import NONE


def body_of(version: DatasetVersion, recipe: Recipe | None, request: Request, extra: dict[str, Any]) -> dict[str, Any]:
    """The JSON that asks for this; what is left to the platform is left out."""
    asked = {
        "dataset": str(version.dataset_id),
        "version": version.number,
        "recipe": str(recipe.pk) if recipe else None,
        "target": request.target,
        "task": request.task,
        "features": request.features,
        "preset": request.preset,
        "family": request.family,
        "params": dict(request.params),
        "time_limit": request.time_limit,
        "seed": request.seed,
        "split": dict(request.split),
        "weight": request.weight,
        "class_weight": request.class_weight if request.class_weight != NONE else None,
        "monotone": dict(request.monotone),
        "latency_ms": request.latency_ms,
        **extra,
    }
    return {name: value for name, value in asked.items() if value not in (None, "", {}, [])}


def curl(url: str, body: dict[str, Any]) -> str:
    """A shell command; a quote within the JSON is written so that the shell passes it on."""
    text = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return (
        f'curl -X POST {url} \\\n  -H "Authorization: Bearer $ATRIUM_TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' \\\n  -d '{text}'"
    )


def python(url: str, body: dict[str, Any]) -> str:
    written = pprint.pformat(body, sort_dicts=False, width=90)
    return (
        "import os\n\nimport httpx\n\n"
        f"body = {written}\n"
        'headers = {"Authorization": f"Bearer {os.environ[\'ATRIUM_TOKEN\']}"}\n'
        f"answer = httpx.post({url!r}, json=body, headers=headers)\n"
        "answer.raise_for_status()\n"
        'print(answer.json()["id"])'
    )
