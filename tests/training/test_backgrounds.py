"""The rows that explanations compare with are kept beside the run, stand for all, and forget who is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from datasets import storage
from datasets.erasure import traces
from jobs.testing import run_pending
from training.backgrounds import background_of
from training.models import Background, ModelVersion


def table_of(version: Any) -> pl.DataFrame:
    with storage.local(version.storage_key) as path:
        return pl.read_parquet(path)


@pytest.fixture
def model(linear_run: Callable[..., Any]) -> ModelVersion:
    linear_run()
    run_pending()
    return ModelVersion.objects.get()


def told(model: ModelVersion) -> dict[str, Any]:
    kept = background_of(model)
    assert kept is not None
    found: dict[str, Any] = json.loads(bytes(kept.content))
    return found


def test_the_rows_are_training_rows_of_the_version(model: ModelVersion, version: Any) -> None:
    found, table = told(model), table_of(version)
    names = [column["name"] for column in model.manifest["inputs"]]
    assert 0 < len(found["rows"]) <= 64
    for row, place in zip(found["rows"], found["places"], strict=True):
        assert [row[name] for name in names] == [table[place, name] for name in names]


def test_they_stand_for_all(model: ModelVersion, version: Any) -> None:
    """Their mean answer is nearly the training rows' mean answer, nearer than so many rows at random would be."""
    from serving.predictors import predict

    names = [column["name"] for column in model.manifest["inputs"]]
    every = [answer["value"] for answer in predict(model, table_of(version).select(names).to_dicts())]
    usual = [answer["value"] for answer in predict(model, told(model)["rows"])]
    column = pl.Series(every)
    assert abs(sum(usual) / len(usual) - column.mean()) < 0.15 * column.std()


def test_quantiles_and_spread_are_of_the_columns(model: ModelVersion) -> None:
    for name, entry in told(model)["columns"].items():
        assert entry["quantiles"] == sorted(entry["quantiles"]), name
        assert len(entry["quantiles"]) == 21
        assert entry["spread"] > 0


def test_they_are_no_part_of_the_artifact(model: ModelVersion) -> None:
    assert not [name for name in model.manifest["files"] if "background" in name]
    assert "places" not in json.dumps(model.manifest)


def test_a_forgotten_row_leaves_and_the_others_close_up(model: ModelVersion, version: Any) -> None:
    before = told(model)
    place, row = before["places"][3], before["rows"][3]
    assert traces.forget_rows(version.pk, [place])["backgrounds"] == 1
    after = told(model)
    assert len(after["rows"]) == len(before["rows"]) - 1
    assert row not in after["rows"]
    table = table_of(version).with_row_index().filter(pl.col("index") != place)
    for kept, at in zip(after["rows"], after["places"], strict=True):
        assert kept.items() <= table.row(at, named=True).items()


def test_without_rows_there_is_none(model: ModelVersion, version: Any) -> None:
    traces.forget_rows(version.pk, told(model)["places"])
    assert background_of(model) is None


def test_of_a_part_that_was_granted_all_are_forgotten(model: ModelVersion, version: Any) -> None:
    model.run.projection = "a part"
    model.run.save(update_fields=["projection"])
    traces.forget_rows(version.pk, [0])
    assert not Background.objects.exists()


def test_it_goes_with_its_run(model: ModelVersion) -> None:
    run = model.run
    model.delete()
    run.delete()
    assert not Background.objects.exists()
