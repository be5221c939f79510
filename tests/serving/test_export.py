"""A model leaves as one file and predicts equally where nothing of the platform is: numpy and onnxruntime alone."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from datasets.schema import Schema
from serving.exporting import scorer
from serving.runtime.predictor import Predictor
from tests.serving.artifacts import write
from tests.serving.test_trained_models import QUICK, TARGETS, TYPES, instances, table
from tests.training.engine.test_crossval import QUICK as MEMBERS
from tests.training.engine.test_crossval import Board
from training import artifacts
from training.engine.train import TrainSpec, train

STEPS: list[dict[str, Any]] = [
    {"step": "missing", "columns": ["income"], "params": {"method": "median"}},
    {"step": "text", "columns": ["city"], "params": {"case": "lower", "accents": True}},
    {"step": "dates", "columns": ["since"], "params": {"elapsed": True}},
]
WHAT_IS_NEEDED = ("numpy", "onnxruntime")


def _needed(name: str, found: set[str]) -> set[str]:
    """A distribution and what it asks for, extras aside."""
    if name not in found:
        found.add(name)
        for requirement in distribution(name).requires or ():
            if "extra ==" not in requirement:
                _needed(re.match(r"[\w.-]+", requirement)[0], found)  # type: ignore[index]
    return found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that holds numpy, onnxruntime and what they ask for: links, so it is made at once."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home, with_pip=False, symlinks=True)
    [packages] = home.glob("lib/python*/site-packages")
    found: set[str] = set()
    for name in WHAT_IS_NEEDED:
        _needed(name, found)
    for name in found:
        here = distribution(name)
        for part in {file.parts[0] for file in here.files or () if ".." not in file.parts}:
            (packages / part).symlink_to(Path(str(here.locate_file(part))))
    python = home / "bin" / "python"
    for absent in ("polars", "django", "orjson", "sklearn"):
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True, check=False).returncode
    return python


def trained(folder: Path, family: str, task: str) -> Path:
    target, type_ = TARGETS[task]
    table().select(*TYPES, target).write_parquet(folder / "rows.parquet")
    ensemble = family == "ensemble"
    spec = TrainSpec(
        data=folder / "rows.parquet",
        schema=Schema.of([*TYPES.items(), (target, type_)]),
        target=target,
        candidates=MEMBERS if ensemble else [{"family": family, "params": QUICK[family]}],
        steps=STEPS,
        task=task,
        preset="fast" if ensemble else "",
        time_limit=20.0 if ensemble else None,
    )
    monitor = Board("stop", after=12) if ensemble else Board()
    train(spec, workdir=folder / "train", artifact=folder / "artifact", monitor=monitor)
    return folder / "artifact"


def unpacked(artifact: Path, into: Path) -> Path:
    stored = artifacts.store(artifact)
    zipfile.ZipFile(artifacts.bundle(stored.storage_key, stored.manifest)).extractall(into)
    return into


def asked(python: Path, folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """Called from another folder, with no variable that could lead it back here."""
    command = [python, "-sE", folder / "predict.py", file]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent, env={}, check=False)


CASES = [(family, "binary") for family in (*QUICK, "ensemble")] + [("trees", "multiclass"), ("linear", "regression")]


@pytest.mark.parametrize(("family", "task"), CASES)
def test_it_predicts_equally(tmp_path: Path, elsewhere: Path, family: str, task: str) -> None:
    """Dates, texts, truth values and gaps, as JSON and as CSV."""
    artifact = trained(tmp_path, family, task)
    folder, rows = unpacked(artifact, tmp_path / "unpacked"), instances()
    ours = Predictor.load(artifact).predict(rows)

    (tmp_path / "rows.json").write_text(json.dumps({"instances": rows}))
    said = asked(elsewhere, folder, tmp_path / "rows.json")
    assert said.returncode == 0, said.stderr
    assert [close(a) for a in json.loads(said.stdout)] == [close(a) for a in ours]

    table().select(*TYPES).write_csv(tmp_path / "rows.csv")
    said = asked(elsewhere, folder, tmp_path / "rows.csv")
    assert said.returncode == 0, said.stderr
    lines = list(csv.DictReader(io.StringIO(said.stdout)))
    assert [line.pop("label", None) for line in lines] == [
        str(answer["label"]) if "label" in answer else None for answer in ours
    ]
    figures = [list(a["probabilities"].values()) if "label" in a else [a["value"]] for a in ours]
    assert [[float(cell) for cell in line.values()] for line in lines] == [pytest.approx(f, rel=1e-6) for f in figures]


def close(answer: dict[str, Any]) -> dict[str, Any]:
    figures = answer.get("probabilities") or {"value": answer["value"]}
    return {"label": answer.get("label"), **{name: pytest.approx(v, rel=1e-6) for name, v in figures.items()}}


def test_lines_of_json(tmp_path: Path, elsewhere: Path) -> None:
    folder = unpacked(write(tmp_path), tmp_path / "unpacked")
    (tmp_path / "rows.jsonl").write_text('{"age": 30}\n\n{"age": 45, "city": "Nice"}\n')
    said = asked(elsewhere, folder, tmp_path / "rows.jsonl")
    assert [set(json.loads(line)) for line in said.stdout.splitlines()] == [{"label", "probabilities"}] * 2


def test_what_cannot_be_read_is_named(tmp_path: Path, elsewhere: Path) -> None:
    folder = unpacked(write(tmp_path), tmp_path / "unpacked")
    (tmp_path / "rows.csv").write_text("age,income\n" + "30,1\n" * 1500 + "old,2\n")
    said = asked(elsewhere, folder, tmp_path / "rows.csv")
    assert said.returncode == 1 and "instances[1500].age: got the text" in said.stderr
    (tmp_path / "rows.csv").write_text("income\n1\n")
    said = asked(elsewhere, folder, tmp_path / "rows.csv")
    assert said.returncode == 1 and "lacks columns that the model needs: age" in said.stderr
    (tmp_path / "rows.xlsx").write_text("")
    assert asked(elsewhere, folder, tmp_path / "rows.xlsx").returncode == 2


def test_a_changed_file_is_noticed(tmp_path: Path, elsewhere: Path) -> None:
    folder = unpacked(write(tmp_path), tmp_path / "unpacked")
    (folder / "recipe.json").write_bytes((folder / "recipe.json").read_bytes() + b" ")
    (tmp_path / "rows.json").write_text("[]")
    said = asked(elsewhere, folder, tmp_path / "rows.json")
    assert said.returncode == 1 and "recipe.json was changed" in said.stderr


def test_the_same_version_gives_the_same_bytes(tmp_path: Path) -> None:
    stored = artifacts.store(write(tmp_path))
    first = artifacts.bundle(stored.storage_key, stored.manifest).getvalue()
    scorer.files.cache_clear()
    assert artifacts.bundle(stored.storage_key, stored.manifest).getvalue() == first


def test_the_code_is_ours_word_for_word_but_for_where_it_lies() -> None:
    for path, content in scorer.files().items():
        if path.startswith(f"{scorer.PACKAGE}/") and path.count("/") > 1:
            inner = path.removeprefix(f"{scorer.PACKAGE}/")
            ours = next(p for p in (Path(inner), Path("platform") / inner) if p.exists())
            assert content.decode().replace(f"from {scorer.PACKAGE}.", "from ") == ours.read_text()


def test_it_lives_beside_other_packages_of_the_same_names(tmp_path: Path) -> None:
    """`datasets` is also one of Hugging Face: whoever has it imported already can still predict."""
    folder = unpacked(write(tmp_path), tmp_path / "unpacked")
    code = (
        "import sys, types\n"
        "for name in ('datasets', 'plugins', 'serving'): sys.modules[name] = types.ModuleType(name)\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "from atrium_scorer.serving.runtime.predictor import Predictor\n"
        f"print(Predictor.load({str(folder)!r}).predict([{{'age': 40}}])[0]['label'])\n"
    )
    said = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert said.stdout.strip() in {"good", "bad"}, said.stderr
