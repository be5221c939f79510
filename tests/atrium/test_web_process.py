"""What a web process carries: it answers pages and predictions without the training libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import django, sys
django.setup()
from django.urls import get_resolver
import atrium.asgi
get_resolver().url_patterns
heavy = sorted({name.split(".")[0] for name in sys.modules} & {"torch", "sklearn", "pandas", "optuna", "scipy"})
print(",".join(heavy))
"""


def test_loading_every_route_imports_no_training_library(tmp_path: Path) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "atrium.settings", "ATRIUM_HOME": str(tmp_path)}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
