"""One training: several candidates on one table, the best of them written as an artifact.

    report = train(TrainSpec(data=…, schema=…, target="default"), workdir=…, artifact=…, monitor=Silent())

Called again with the same working folder after a pause or a kill, it goes on where it left, and on the CPU the
artifact is byte for byte that of an uninterrupted run (a time limit, which is a matter of the clock, aside).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.recipe import NOTHING, Around
from datasets.schema import Schema
from plugins.params import ParamError, validate_params
from training.engine import artifact as artifacts
from training.engine import candidates as contest
from training.engine import checks, data, inputs, metrics, split
from training.engine.candidates import Candidate, Result
from training.engine.checkpoint import write_atomically
from training.engine.checks import divergence
from training.engine.control import Monitor
from training.engine.demands import Demands
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.family import FAMILIES
from training.engine.split import DEFAULT

if TYPE_CHECKING:
    from training.engine.data import Prepared, Source

SCORED_ROWS = 100_000  # training metrics are of at most so many rows, evenly taken
RESERVE = 0.08  # share of a time limit kept for reading, scoring and writing


@dataclass(frozen=True)
class TrainSpec:
    """What to train. `features` empty: every column but the target. `task` None: inferred from the target.

    `candidates` is a list of {"family", "params"}; the best by validation score is kept. `time_limit` is in seconds.
    `split` gives the shares of the rows held out and how they are chosen, see split.check; `demands` what is asked
    besides.
    """

    data: Path
    schema: Schema
    target: str
    candidates: list[dict[str, Any]]
    steps: list[dict[str, Any]] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    task: str | None = None
    seed: int = 0
    split: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT))
    time_limit: float | None = None
    around: Around = NOTHING
    demands: Demands = field(default_factory=Demands)

    def fingerprint(self) -> str:
        """What tells the checkpoints of this training from another's: everything asked for, and the file's size."""
        # What the steps reach is named in them; the tables themselves may lie elsewhere at the next attempt.
        asked = {
            **asdict(replace(self, around=NOTHING)),
            "schema": self.schema.to_json(),
            "data": self.data.stat().st_size,
        }
        del asked["time_limit"], asked["around"]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class TrainReport:
    """How a training went. `metrics` and `baseline` hold {"train", "validation", "test"} of name to number."""

    state: str
    task: str
    family: str
    params: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    baseline: dict[str, dict[str, float]]
    score: dict[str, Any]
    confusion: dict[str, list[list[int]]]
    leaderboard: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    features: list[str]
    input_schema: list[dict[str, Any]]
    classes: list[Any] | None
    rows: dict[str, int]
    seed: int
    seconds: float
    parity: float
    manifest_sha256: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def train(
    spec: TrainSpec,
    *,
    workdir: Path,
    artifact: Path,
    monitor: Monitor,
    device: str = "cpu",
    threads: int = 1,
    checkpoint_every: float = 5.0,
) -> TrainReport:
    """Train every candidate, write the best to `artifact`, report. `checkpoint_every` is in seconds.

    Raises TrainError for what cannot be trained; TrainCancelled or TrainPaused when the monitor's signal says so.
    """
    started = time.monotonic()
    chosen = _candidates(spec)
    split.check(spec.split)
    _claim(workdir, spec)
    monitor.log(f"Reading {spec.data.stat().st_size:,} bytes.")
    source = _read(spec)
    _heed(monitor)
    source.findings += checks.before(source)
    _say(monitor, source)
    running = contest.Contest(
        source=source,
        workdir=workdir,
        monitor=monitor,
        device=device,
        threads=threads,
        checkpoint_every=checkpoint_every,
        seed=spec.seed,
        seconds=_budget(spec.time_limit, time.monotonic() - started),
    )
    results = running.run(chosen)
    report = _finish(spec, running, results, artifact, time.monotonic() - started)
    monitor.progress(1.0, "done")
    return report


def _candidates(spec: TrainSpec) -> list[Candidate]:
    if not spec.candidates:
        raise TrainError("no_candidates", "There is nothing to train.", "Choose a family or a preset.", "candidates")
    return [_candidate(index, entry) for index, entry in enumerate(spec.candidates)]


def _candidate(index: int, entry: Mapping[str, Any]) -> Candidate:
    name = entry.get("family", "")
    if name not in FAMILIES:
        hint = f"Known are {', '.join(FAMILIES.names())}."
        raise TrainError("unknown_family", f"There is no model family {name!r}.", hint, f"candidates[{index}].family")
    family = FAMILIES[name]
    try:
        params = validate_params(family.params, entry.get("params") or {})
    except ParamError as error:
        where = f"candidates[{index}].params.{error.field}"
        raise TrainError("bad_params", f"{family.label}: {error.field}: {error.message}.", "", where) from error
    return Candidate(index, family, params)


def _claim(workdir: Path, spec: TrainSpec) -> None:
    """Keep the folder's checkpoints if they are this training's; otherwise start afresh."""
    mark = workdir / "training"
    if mark.exists() and mark.read_text() == spec.fingerprint():
        return
    shutil.rmtree(workdir, ignore_errors=True)
    workdir.mkdir(parents=True)
    write_atomically(mark, spec.fingerprint().encode())


def _read(spec: TrainSpec) -> Source:
    return data.read(
        spec.data,
        spec.schema,
        target=spec.target,
        features=spec.features,
        steps=spec.steps,
        task=spec.task,
        shares=spec.split,
        seed=spec.seed,
        around=spec.around,
        asked=spec.demands,
    )


def _heed(monitor: Monitor) -> None:
    """Reading a large table takes a while: look up before the fits begin."""
    signal = monitor.signal()
    if signal == "cancel":
        raise TrainCancelled
    if signal == "pause":
        raise TrainPaused


def _say(monitor: Monitor, source: Source) -> None:
    sizes = ", ".join(f"{len(source.parts[part]):,} {part}" for part in split.PARTS)
    monitor.log(
        f"Predicting “{source.target.name}” ({source.target.task}) from {len(source.features)} columns: {sizes} rows."
    )
    for found in source.findings:
        monitor.log(found["message"], level=found["severity"])


def _budget(limit: float | None, spent: float) -> float | None:
    return None if limit is None else max(0.2, limit * (1.0 - RESERVE) - spent)


def _finish(
    spec: TrainSpec, running: contest.Contest, results: list[Result], artifact: Path, seconds: float
) -> TrainReport:
    """Score the best candidate's written model on every part, check it, and write the artifact."""
    source, done = running.source, [result for result in results if not result.error]
    best = min(done, key=lambda result: result.score)
    prepared = source.prepare(FAMILIES[best.family].needs)
    manifest = _manifest(spec, source, best, prepared)
    _write(artifact, running.folder(best.index), manifest, prepared)
    scores, baseline, tables = _score(artifact, source, prepared, running.threads)
    findings = [*source.findings, *checks.after(source, scores, baseline), *divergence.find(best.label, best.warning)]
    return TrainReport(
        state="stopped" if running.stopped else "succeeded",
        task=source.target.task,
        family=best.family,
        params=best.params,
        metrics=scores,
        baseline=baseline,
        score={"metric": metrics.primary(source.target.task), "direction": "minimise", "value": best.score},
        confusion=tables,
        leaderboard=contest.leaderboard(results, source.target.task),
        findings=findings,
        features=prepared.features,
        input_schema=manifest["inputs"],
        classes=manifest["classes"],
        rows={part: len(rows) for part, rows in prepared.rows.items()},
        seed=spec.seed,
        seconds=round(seconds + running.before, 3),
        parity=best.parity,
        manifest_sha256=hashlib.sha256((artifact / "manifest.json").read_bytes()).hexdigest(),
    )


def _manifest(spec: TrainSpec, source: Source, best: Result, prepared: Prepared) -> dict[str, Any]:
    target = source.target
    needed = prepared.recipe.sources(prepared.features)
    return {
        "family": best.family,
        "params": best.params,
        "task": target.task,
        "target": target.name,
        "target_type": target.type,
        "classes": list(target.classes) or None,
        "inputs": inputs.describe(source.part("train"), source.schema, needed),
        "features": prepared.features,
        "seed": spec.seed,
    }


def _write(artifact: Path, folder: Path, manifest: Mapping[str, Any], prepared: Prepared) -> None:
    """Replace `artifact` by the candidate's model files, the recipe and the manifest."""
    shutil.rmtree(artifact, ignore_errors=True)
    artifact.mkdir(parents=True)
    for name in contest.MODEL_FILES:
        if (folder / name).exists():
            shutil.copyfile(folder / name, artifact / name)
    artifacts.write_manifest(artifact, manifest, prepared.recipe.dumps())


def _score(artifact: Path, source: Source, prepared: Prepared, threads: int) -> tuple[Any, Any, Any]:
    """Metrics, baseline and confusion tables by part, from the written model's own predictions."""
    target = source.target
    model = artifacts.Model(artifact, target.task, threads)
    scores, baseline, tables, learned = {}, {}, {}, prepared.rows["train"]
    for part, whole in prepared.rows.items():
        rows = contest.thinned(whole, SCORED_ROWS) if part == "train" else whole
        answer = model.predict(rows.X) if len(rows) else None
        constant = metrics.constant_answer(learned.y, len(rows), target.task, len(target.classes), learned.w)
        scores[part] = {} if answer is None else metrics.score(rows.y, answer, target.task, rows.w)
        baseline[part] = metrics.score(rows.y, constant, target.task, rows.w)
        if target.classes and answer is not None:
            tables[part] = metrics.confusion(rows.y, answer.argmax(axis=1), len(target.classes)).tolist()
    return scores, baseline, tables
