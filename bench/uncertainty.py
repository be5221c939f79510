"""Whether a level of 90 % covers 90 % of rows that were never seen, in all and by group, as the engine trains.

    python bench/uncertainty.py --data FOLDER          every table of the folder that is large enough, and a made one

Each table is trained with the preset `fast` and with boosted trees on one split, several times with another seed; 40 %
of the rows are held out. A line tells the coverage at 90 %, the lowest and highest of a group, and mean sizes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

# serving.py lies beside this script too, and is not the package.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from datasets.schema import Schema
from serving.runtime.groups import Grouping
from serving.runtime.uncertainty.conformal import Conformal
from training.engine.control import Silent
from training.engine.scored import CALIBRATION, FILE, TEST, Scored
from training.engine.spec import TrainSpec
from training.engine.train import train

TREES = [{"family": "trees", "params": {"rounds": 150}}]
PRESET = [{"family": "linear", "params": {}}, {"family": "trees", "params": {"rounds": 150}}]
REAL = {
    "bike.csv": ("cnt", "regression", "season", ["instant", "dteday"]),
    "ai4i2020.csv": ("Machine failure", "binary", "Type", ["UDI", "Product ID"]),
}
KINDS = {pl.Int64: "integer", pl.Float64: "number", pl.String: "text", pl.Boolean: "boolean"}


def made(rows: int = 15_000, seed: int = 1) -> tuple[pl.DataFrame, str, str, str]:
    """Simulated: skewed errors, four times as large in one group as in another; three grades that overlap."""
    random = np.random.default_rng(seed)
    x, group = random.normal(size=(rows, 4)), random.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    size = np.select([group == "north", group == "south"], [0.5, 1.0], 2.0)
    y = 3 * x[:, 0] + x[:, 1] ** 2 + size * random.gamma(2.0, 1.0, rows)
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(4)} | {"region": group, "cost": y})
    return frame, "cost", "regression", "region"


def tables(folder: Path | None) -> dict[str, tuple[pl.DataFrame, str, str, str]]:
    found = {"simulated": made()}
    frame = found["simulated"][0]
    bounds = np.quantile(frame["cost"].to_numpy(), [0.4, 0.75])
    grade = np.array(["low", "middle", "high"])[np.digitize(frame["cost"].to_numpy(), bounds)]
    found["simulated grades"] = (
        frame.with_columns(pl.Series("grade", grade)).drop("cost"),
        "grade",
        "multiclass",
        "region",
    )
    for name, (target, task, by, without) in REAL.items():
        if folder is not None and (folder / name).exists():
            read = pl.read_csv(folder / name, infer_schema_length=None)
            read = read.rename({column: column.strip().lstrip("\ufeff") for column in read.columns})
            found[name] = (read.drop(without, strict=False), target, task, by)
    return found


def scored(frame: pl.DataFrame, target: str, task: str, preset: str, seed: int) -> Scored:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        frame.write_parquet(folder / "table.parquet")
        spec = TrainSpec(
            data=folder / "table.parquet",
            schema=Schema.of((name, KINDS[type(kind)]) for name, kind in frame.schema.items()),
            target=target, task=task, seed=seed, preset=preset, candidates=PRESET if preset else TREES,
            time_limit=12.0 if preset else None, split={"test": 0.4, "validation": 0.2},
        )  # fmt: skip
        train(spec, workdir=folder / "work", artifact=folder / "artifact", monitor=Silent())
        with (folder / "work" / FILE).open("rb") as stream:
            return Scored.read(stream)


def line(frame: pl.DataFrame, task: str, by: str, rows: Scored, *, grouped: bool) -> dict[str, Any]:
    """Coverage at 90 % on the test rows, in all and of the worst groups."""
    calibration, test = rows.of(CALIBRATION), rows.of(TEST)
    values = frame[by][test.row].to_list()
    own = frame[by][calibration.row].to_list()
    grouping = Grouping.fit(by, frame[by].to_list())
    asked = (grouping, own) if grouped else (None, None)
    conformal = Conformal.fit(task, calibration.prediction, calibration.truth, *asked)
    given = conformal.of(test.prediction, 0.9, values if grouped else None)
    held, codes = conformal.kind.covers(given, test.truth), grouping.codes(values)
    groups = [held[codes == code].mean() for code in range(len(grouping.names)) if (codes == code).sum() >= 300]
    return {
        "calibration": len(calibration), "test": len(test), "covered": held.mean(), "lowest": min(groups),
        "highest": max(groups), "size": float(conformal.kind.size(given).mean()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print(
        f"{'table':18} {'training':10} {'groups':8} {'calib.':>7} {'test':>6}  covered (seeds)         worst groups    size"
    )
    for name, (frame, target, task, by) in tables(asked.data).items():
        for preset in ("", "fast"):
            rows = [scored(frame, target, task, preset, seed) for seed in range(asked.seeds)]
            for grouped in (False, True):
                told = [line(frame, task, by, each, grouped=grouped) for each in rows]
                covered = " ".join(f"{one['covered']:.3f}" for one in told)
                worst = f"{min(one['lowest'] for one in told):.3f}–{max(one['highest'] for one in told):.3f}"
                print(
                    f"{name:18} {preset or 'one split':10} {'each' if grouped else 'none':8} {told[0]['calibration']:7,} "
                    f"{told[0]['test']:6,}  {covered:23} {worst:15} {told[0]['size']:.4g}", flush=True
                )  # fmt: skip


if __name__ == "__main__":
    main()
