"""One training: several candidates on one table, the best of them written as an artifact.

    report = train(TrainSpec(data=…, schema=…, target="default"), workdir=…, artifact=…, monitor=Silent())

Called again with the same working folder after a pause or a kill, it goes on where it left, and on the CPU the
artifact is byte for byte that of an uninterrupted run (a time limit, which is a matter of the clock, aside).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugins.params import ParamError, validate_params
from training.engine import artifact as artifacts
from training.engine import background, checks, reading, scored, scoring, split
from training.engine import candidates as contest
from training.engine.candidates import Candidate, Result
from training.engine.checkpoint import write_atomically
from training.engine.checks import divergence
from training.engine.control import Monitor
from training.engine.cores import Cores
from training.engine.errors import TrainError
from training.engine.family import FAMILIES
from training.engine.preset_training import cross_validated
from training.engine.report import TrainReport, report_of
from training.engine.spec import TrainSpec

RESERVE = 0.08  # share of a time limit kept for reading, scoring and writing


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

    `workdir`/scored.npz holds what the model answers on the rows that it did not learn from: see engine/scored.py;
    `workdir`/background.json the rows that explanations compare with: see engine/background.py.
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
            return cross_validated(spec, chosen, workdir, artifact, monitor, checkpoint_every, cores, started)
        return _one_split(spec, chosen, workdir, artifact, monitor, device, threads, checkpoint_every, started)
    finally:
        cores.close()


def _wait_for_a_core(cores: Cores, monitor: Monitor) -> None:
    waited = False
    while not cores.first():
        if not waited:
            monitor.log("Waiting for a free core: other trainings hold all of this machine's.")
        waited = True
        reading.heed(monitor)
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
    source = reading.read(spec, monitor)
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


def _budget(limit: float | None, spent: float) -> float | None:
    return None if limit is None else max(0.2, limit * (1.0 - RESERVE) - spent)


def _finish(
    spec: TrainSpec, running: contest.Contest, results: list[Result], artifact: Path, seconds: float
) -> TrainReport:
    """Write the best candidate's artifact, score the written model on every part, check it, and report."""
    source, done = running.source, [result for result in results if not result.error]
    best = min(done, key=lambda result: result.score)
    prepared = source.prepare(FAMILIES[best.family].needs)
    manifest = scoring.manifest_of(spec, source, best.family, best.params, prepared)
    _write(artifact, running.folder(best.index), manifest, prepared.recipe.dumps())
    scores = scoring.score(artifact, source, prepared, running.threads)
    scored.scored_of(source, prepared, scores.held).write(running.workdir / scored.FILE)
    background.write(running.workdir / background.FILE, source, prepared, artifacts.Model(artifact, source.target.task))
    after = checks.after(source, scores.metrics, scores.baseline, scores.answered)
    return report_of(
        manifest,
        prepared,
        scores,
        artifact,
        stopped=running.stopped,
        score=best.score,
        leaderboard=contest.leaderboard(results, source.target.task),
        findings=[*source.findings, *after, *divergence.find(best.label, best.warning)],
        parity=best.parity,
        seconds=seconds + running.before,
    )


def _write(artifact: Path, folder: Path, manifest: Mapping[str, Any], recipe: str) -> None:
    """Replace `artifact` by the candidate's model files, the recipe and the manifest."""
    shutil.rmtree(artifact, ignore_errors=True)
    artifact.mkdir(parents=True)
    for name in contest.MODEL_FILES:
        if (folder / name).exists():
            shutil.copyfile(folder / name, artifact / name)
    artifacts.write_manifest(artifact, manifest, recipe)
