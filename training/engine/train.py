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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.recipe import NOTHING, Around
from datasets.schema import Schema
from plugins.params import ParamError, validate_params
from training.engine import artifact as artifacts
from training.engine import assembling, checks, data, folds, inputs, metrics, split, standings
from training.engine import candidates as contest
from training.engine import demands as wishes
from training.engine.candidates import Candidate, Result
from training.engine.checkpoint import write_atomically
from training.engine.checks import divergence
from training.engine.checks._answered import Answered
from training.engine.control import Monitor
from training.engine.cores import Cores
from training.engine.crossval import CrossValidation
from training.engine.demands import Demands
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.family import FAMILIES, Needs
from training.engine.split import DEFAULT
from training.engine.units import Done, Table

if TYPE_CHECKING:
    import numpy as np

    from training.engine.assembling import Assembled
    from training.engine.data import Prepared, Source
    from training.engine.family import Rows
    from training.engine.folds import Folds

SCORED_ROWS = 100_000  # training metrics are of at most so many rows, evenly taken
RESERVE = 0.08  # share of a time limit kept for reading, scoring and writing


@dataclass(frozen=True)
class TrainSpec:
    """What to train. `features` empty: every column but the target. `task` None: inferred from the target.

    `candidates` is a list of {"family", "params"}. With a `preset` they are cross-validated and become an ensemble;
    without one, the best by validation score is kept. `time_limit` is in seconds. `replay` is the record of such a
    training: exactly its units are done, with exactly their steps, and no clock.
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
    preset: str = ""
    replay: Mapping[str, Any] | None = None

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
    record: dict[str, Any] | None = None
    latency_ms: float | None = None
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def train(
    spec: TrainSpec,
    *,
    workdir: Path,
    artifact: Path,
    monitor: Monitor,
    device: str = "auto",
    threads: int = 1,
    checkpoint_every: float = 5.0,
    cores: Cores | None = None,
) -> TrainReport:
    """Train every candidate, write the best or their ensemble to `artifact`, report. `checkpoint_every` is in seconds.

    `device` "auto" puts networks on a GPU where there is one; a result on the processor can be repeated byte for byte.

    Raises TrainError for what cannot be trained; TrainCancelled or TrainPaused when the monitor's signal says so.
    """
    cores = cores or Cores()
    try:
        _wait_for_a_core(cores, monitor)
        started = time.monotonic()
        chosen = _candidates(spec)
        split.check(spec.split)
        _claim(workdir, spec)
        if spec.preset:
            return _cross_validated(spec, chosen, workdir, artifact, monitor, checkpoint_every, cores, started)
        return _one_split(spec, chosen, workdir, artifact, monitor, device, threads, checkpoint_every, started)
    finally:
        cores.close()


def _wait_for_a_core(cores: Cores, monitor: Monitor) -> None:
    waited = False
    while not cores.first():
        if not waited:
            monitor.log("Waiting for a free core: other trainings hold all of this machine's.")
        waited = True
        _heed(monitor)
        time.sleep(0.1)


def _one_split(  # noqa: PLR0917 (what `train` was given)
    spec: TrainSpec,
    chosen: list[Candidate],
    workdir: Path,
    artifact: Path,
    monitor: Monitor,
    device: str,
    threads: int,
    checkpoint_every: float,
    started: float,
) -> TrainReport:
    """Candidates one after another, judged on the validation rows; the best is kept."""
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


def _cross_validated(  # noqa: PLR0917 (what `train` was given)
    spec: TrainSpec,
    chosen: list[Candidate],
    workdir: Path,
    artifact: Path,
    monitor: Monitor,
    checkpoint_every: float,
    cores: Cores,
    started: float,
) -> TrainReport:
    """All candidates on folds of the rows that are not the test's; their ensemble is kept."""
    spec = replace(spec, split={**spec.split, "validation": 0.0})
    able, left_out = _able(spec, chosen)
    monitor.log(f"Reading {spec.data.stat().st_size:,} bytes.")
    source = _read(spec)
    _heed(monitor)
    source.findings += checks.before(source)
    _say(monitor, source)
    prepared, target = source.prepare(Needs()), source.target
    table = Table(prepared.rows["train"], target.task, len(target.classes), prepared.monotone)
    _refuse_tasks(able, target.task)
    tested = len(prepared.rows["test"]) + min(ENSEMBLE_TRAIN_ROWS, len(table.rows))
    running = CrossValidation(
        table=table,
        candidates=able,
        make_folds=lambda repeat: _folds(spec, source, prepared, spec.seed + repeat),
        workdir=workdir,
        monitor=monitor,
        cores=cores,
        seed=spec.seed,
        seconds=None if spec.time_limit is None else spec.time_limit - (time.monotonic() - started),
        reserve=lambda done: _reserve(done, tested, cores),
        checkpoint_every=checkpoint_every,
        replay=spec.replay,
    )
    running.run()
    shutil.rmtree(artifact, ignore_errors=True)
    made = assembling.assemble(running, artifact, spec.demands.latency_ms)
    report = _finish_ensemble(spec, running, made, source, prepared, artifact, left_out)
    monitor.progress(1.0, "done")
    return replace(report, seconds=round(running.before + time.monotonic() - started, 3))


ENSEMBLE_TRAIN_ROWS = 5_000  # training rows that the ensemble is scored on, so that overfitting shows


def _reserve(done: Sequence[Done], tested: int, cores: Cores) -> float:
    """Seconds that merging, writing and scoring will take."""
    scoring = sum(one.row_us for one in done) * 1e-6 * tested / max(1, len(cores.held))
    return 0.25 + 1.2 * scoring + 4e-8 * sum(one.size for one in done)


def _able(spec: TrainSpec, chosen: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The candidates that heed what is asked for, and why the others are left out. Raises TrainError for none."""
    able, left_out, refused = [], [], None
    for candidate in chosen:
        try:
            wishes.check_family(spec.demands, candidate.family)
            able.append(candidate)
        except TrainError as error:
            refused = error
            left_out.append(str(error.detail))
    if not able and refused is not None:
        raise refused
    return able, list(dict.fromkeys(left_out))


def _refuse_tasks(chosen: list[Candidate], task: str) -> None:
    for candidate in chosen:
        if task not in candidate.family.tasks:
            detail = f"{candidate.family.label} does not do {task}."
            raise TrainError("task_not_supported", detail, f"It does {', '.join(candidate.family.tasks)}.", "family")
        candidate.family.check(candidate.params, task)


def _folds(spec: TrainSpec, source: Source, prepared: Prepared, seed: int) -> Folds:
    """The folds of the prepared training rows; rows that the recipe copied stay with the row they came from."""
    import numpy as np

    kind, train = spec.split.get("kind") or split.RANDOM, source.part("train")
    rows = train.height
    count = folds.how_many(rows)
    if kind == split.GROUPED:
        made = folds.grouped(wishes.group_codes(train[spec.split["by"]]), count, seed)
    elif kind == split.TIMED:
        made = folds.timed(wishes.times(train[spec.split["by"]]), min(count, 5))
    else:
        y = source.target.numbers(train[source.target.name])
        made = folds.random(folds.strata(y, len(source.target.classes)), count, seed)
    origin = prepared.origin
    of = np.where(origin >= 0, made.of[np.maximum(origin, 0)], folds.ALWAYS)
    return replace(made, of=of)


def _finish_ensemble(  # noqa: PLR0917 (everything that a report tells of)
    spec: TrainSpec,
    running: CrossValidation,
    made: Assembled,
    source: Source,
    prepared: Prepared,
    artifact: Path,
    left_out: list[str],
) -> TrainReport:
    """The manifest, the scores of the written model, and the report."""
    target, used = source.target, made.weights
    candidates = {candidate.index: candidate for candidate in running.candidates}
    alone = len(used) == 1
    family = candidates[next(iter(used))].family.name if alone else ENSEMBLE
    members = [_member(candidates[index], made) for index in sorted(used, key=lambda index: -used[index])]
    params = dict(members[0]["params"]) if alone else {}
    manifest = {**_manifest(spec, source, family, params, prepared), "members": members}
    if made.calibration is not None:
        manifest["calibration"] = {"slope": made.calibration.slope, "level": made.calibration.level.tolist()}
    artifacts.write_manifest(artifact, manifest, prepared.recipe.dumps())
    learned = prepared.rows["train"]
    held = learned.take(made.rows)
    scores, baseline, tables, answered = _score(
        artifact, source, prepared, len(running.cores.held), ENSEMBLE_TRAIN_ROWS, validation=(held, made.answer)
    )
    if answered is not None:
        answered = replace(answered, repeats=_repeats(running, made, prepared.rows["test"]))
    weights = {index: used.get(index, 0.0) for index in running.members}
    running.weights = weights
    board = standings.leaderboard(running)
    late = [f"{row['label']}: {row['error']}" for row in board if row["error"]]
    findings = [*source.findings, *checks.after(source, scores, baseline, answered)]
    if spec.demands.latency_ms is not None and made.latency_ms > spec.demands.latency_ms:
        findings.append(_too_slow(made.latency_ms, spec.demands.latency_ms))
    return TrainReport(
        state="stopped" if running.stopped else "succeeded",
        task=target.task,
        family=family,
        params=params,
        metrics=scores,
        baseline=baseline,
        score={
            "metric": metrics.primary(target.task),
            "direction": "minimise",
            "value": metrics.primary_score(held.y, made.answer, target.task, held.w),
        },
        confusion=tables,
        leaderboard=board,
        findings=findings,
        features=prepared.features,
        input_schema=manifest["inputs"],
        classes=manifest["classes"],
        rows={part: len(rows) for part, rows in prepared.rows.items()},
        seed=spec.seed,
        seconds=0.0,
        parity=max([made.parity, *(done.parity for parts in made.parts.values() for done in parts)]),
        manifest_sha256=hashlib.sha256((artifact / "manifest.json").read_bytes()).hexdigest(),
        record=running.record(),
        latency_ms=round(made.latency_ms, 4),
        left_out=[*left_out, *late],
    )


def _repeats(running: CrossValidation, made: Assembled, tested: Rows) -> np.ndarray | None:
    """What the heaviest member's models, each of other training rows and another seed, answer to the same test rows."""
    import numpy as np

    index = max(made.weights, key=lambda index: made.weights[index])
    paths = [running.workdir / "units" / f"{d.member}-{d.repeat}-{d.fold}" for d in made.parts[index][:REPEATS]]
    if not len(tested) or len(paths) < 2:
        return None
    rows = contest.thinned(tested, REPEATED_ROWS)
    return np.stack([artifacts.Model(path, running.table.task).predict(rows.X) for path in paths])


ENSEMBLE = "ensemble"
REPEATS, REPEATED_ROWS = 5, 1000  # how many models, and on how many rows, tell whether a kind of model is stable


def _member(candidate: Candidate, made: Assembled) -> dict[str, Any]:
    parts = made.parts[candidate.index]
    params = {"penalty": parts[0].params["penalty"]} if "penalty" in parts[0].params else dict(candidate.params)
    weight = round(made.weights[candidate.index], 6)
    return {"family": candidate.family.name, "params": params, "weight": weight, "models": len(parts)}


def _too_slow(value: float, threshold: float) -> dict[str, Any]:
    message = f"One row takes {value:.3g} ms; the quickest model found is slower than the {threshold:g} ms asked for."
    return data.finding(
        "latency", "warning", message, test="ms a row", value=value, threshold=threshold,
        fix="Ask for a longer time a row, or leave columns out.",
    )  # fmt: skip


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
    manifest = _manifest(spec, source, best.family, best.params, prepared)
    _write(artifact, running.folder(best.index), manifest, prepared)
    scores, baseline, tables, answered = _score(artifact, source, prepared, running.threads)
    findings = [
        *source.findings,
        *checks.after(source, scores, baseline, answered),
        *divergence.find(best.label, best.warning),
    ]
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


def _manifest(
    spec: TrainSpec, source: Source, family: str, params: Mapping[str, Any], prepared: Prepared
) -> dict[str, Any]:
    target = source.target
    needed = prepared.recipe.sources(prepared.features)
    return {
        "family": family,
        "params": params,
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


def _score(  # noqa: PLR0917 (a model, its rows, and how it is asked)
    artifact: Path,
    source: Source,
    prepared: Prepared,
    threads: int,
    most: int = SCORED_ROWS,
    validation: tuple[Rows, np.ndarray] | None = None,
) -> tuple[Any, Any, Any, Answered | None]:
    """Metrics, baseline and confusion tables by part, from the written model's own predictions; and its answers on rows
    never seen, of the test part where there is one.

    `validation` are the rows that took turns in being held back, with the answers they were given.
    """
    target = source.target
    model = artifacts.Model(artifact, target.task, threads)
    scores, baseline, tables, learned, answered = {}, {}, {}, prepared.rows["train"], None
    for part, whole in prepared.rows.items():
        rows = contest.thinned(whole, most) if part == "train" else whole
        answer = model.predict(rows.X) if len(rows) else None
        if part == "validation" and validation is not None:
            rows, answer = validation
        constant = metrics.constant_answer(learned.y, len(rows), target.task, len(target.classes), learned.w)
        scores[part] = {} if answer is None else metrics.score(rows.y, answer, target.task, rows.w)
        baseline[part] = metrics.score(rows.y, constant, target.task, rows.w)
        if target.classes and answer is not None:
            tables[part] = metrics.confusion(rows.y, answer.argmax(axis=1), len(target.classes)).tolist()
        if part != "train" and answer is not None:
            answered = _answered(source, part, rows, answer, learned)
    return scores, baseline, tables, answered


def _answered(source: Source, part: str, rows: Rows, answer: np.ndarray, learned: Rows) -> Answered:
    """What the checks of a result look at. Rows that the recipe left out, or that took turns, have no columns to show."""
    frame = source.part(part)
    return Answered(
        part,
        source.target.task,
        rows.y,
        answer,
        source.features,
        source.schema,
        frame if frame.height == len(rows) else None,
        spread=float(learned.y.std()) or 1.0,
    )
