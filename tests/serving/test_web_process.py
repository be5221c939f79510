"""A web process that answers predictions carries no training library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from tests.serving.artifacts import ROW
from training.models import ModelVersion

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import sys
sys.path[:0] = ["platform", "."]
import django
django.setup()
from django.conf import settings
from django.core.files.storage import storages
from django.urls import get_resolver
get_resolver().url_patterns
from serving import what_if, views, prediction_log
from serving.predictors import predict
from training.models import ModelVersion
version = ModelVersion(storage_key=sys.argv[1], sha256=sys.argv[2])
assert predict(version, [eval(sys.argv[3])])
heavy = {"torch", "sklearn", "pandas", "polars", "pyarrow", "scipy", "optuna", "onnx"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_predicting_imports_nothing_heavy(make_version: Callable[..., ModelVersion], tmp_path: Path) -> None:
    for kind in ("linear", "mlp"):
        version = make_version(kind=kind)
        command = [sys.executable, "-c", ASK, version.storage_key, version.sha256, repr(ROW)]
        environment = {"ATRIUM_HOME": str(settings.HOME), "DJANGO_SETTINGS_MODULE": "atrium.settings", "PATH": ""}
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]"
