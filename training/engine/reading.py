"""The beginning that both ways of training share: the table read and split, the monitor heeded and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.engine import checks, data, split
from training.engine.errors import TrainCancelled, TrainPaused

if TYPE_CHECKING:
    from training.engine.control import Monitor
    from training.engine.data import Source
    from training.engine.spec import TrainSpec


def read(spec: TrainSpec, monitor: Monitor) -> Source:
    """The table, split, with what the checks before a training found; told to the monitor, whose signal is followed."""
    monitor.log(f"Reading {spec.data.stat().st_size:,} bytes.")
    source = data.read(
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
    heed(monitor)
    source.findings += checks.before(source)
    _say(monitor, source)
    return source


def heed(monitor: Monitor) -> None:
    """Reading a large table takes a while: look up before the fits begin. Raises TrainCancelled, TrainPaused."""
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
