"""The standings of a cross-validated training: every member's out-of-fold score with its interval, and the ensemble's."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from training.engine import metrics
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    import numpy as np

    from training.engine.crossval import CrossValidation, Member


def leaderboard(running: CrossValidation) -> list[dict[str, Any]]:
    """Every member with its out-of-fold score and that score's 95 % interval, best first; failures last."""
    rows = [_line(running, member) for member in running.usable()]
    if len(rows) > 1 and running.weights:
        rows.append(_ensemble_line(running))
    rows.sort(key=lambda row: row["validation"])
    rows += [_failure(member, running.table.task) for member in running.members.values() if member.error]
    return [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]


def _line(running: CrossValidation, member: Member) -> dict[str, Any]:
    rows = running.common([member])
    done = list(member.done.values())
    candidate = member.candidate
    params = {"penalty": done[0].params["penalty"]} if "penalty" in done[0].params else dict(candidate.params)
    return {
        **_scores(running, member.answer(running.table.width)[rows], rows),
        "train": fmean([one.train_score for one in done]),
        "index": member.index,
        "family": candidate.family.name,
        "label": candidate.family.label,
        "params": params,
        "seconds": round(sum(one.seconds for one in done), 3),
        "steps": sum(one.steps for one in done),
        "size": sum(one.size for one in done),
        "latency_ms": round(sum(one.latency_ms for one in done), 4),
        "models": len(done),
        "weight": round(running.weights.get(member.index, 0.0), 4),
        "parity": max(one.parity for one in done),
        "ended_by": "time limit" if any(one.ended_by for one in done) else "",
        "error": "",
    }


def _ensemble_line(running: CrossValidation) -> dict[str, Any]:
    answer, rows = running.answer()
    parts = running.final_units()
    return {
        **_scores(running, answer, rows),
        "train": None,
        "index": -1,
        "family": "ensemble",
        "label": "Ensemble",
        "params": {},
        "seconds": round(sum(one.seconds for m in running.usable() for one in m.done.values()), 3),
        "steps": sum(one.steps for one in parts),
        "size": sum(one.size for one in parts),
        "latency_ms": round(sum(one.latency_ms for one in parts), 4),
        "models": len(parts),
        "weight": 1.0,
        "parity": max((one.parity for one in parts), default=0.0),
        "ended_by": "",
        "error": "",
    }


def score_of(running: CrossValidation, member: Member) -> float:
    """The member's out-of-fold loss."""
    return float(_line(running, member)["validation"])


def _scores(running: CrossValidation, answer: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    w = running.table.rows.w
    low, score, high = interval(
        metrics.row_losses(running.table.rows.y[rows], answer, running.table.task), None if w is None else w[rows]
    )
    if running.table.task == REGRESSION:
        low, score, high = max(0.0, low) ** 0.5, score**0.5, high**0.5
    return {"metric": metrics.primary(running.table.task), "validation": score, "low": low, "high": high}


def interval(losses: np.ndarray, w: np.ndarray | None) -> tuple[float, float, float]:
    """The mean of the rows' losses between the ends of its 95 % interval (normal approximation)."""
    import numpy as np

    mean = float(np.average(losses, weights=w))
    spread = float(np.average((losses - mean) ** 2, weights=w)) ** 0.5
    effective = len(losses) if w is None else float(w.sum() ** 2 / (w**2).sum())
    half = 1.96 * spread / max(1.0, effective) ** 0.5
    return mean - half, mean, mean + half


def _failure(member: Member, task: str) -> dict[str, Any]:
    candidate = member.candidate
    empty = {"validation": 0.0, "low": None, "high": None, "train": 0.0, "seconds": 0.0, "steps": 0, "size": 0}
    return {
        "metric": metrics.primary(task),
        **empty,
        "index": candidate.index,
        "family": candidate.family.name,
        "label": candidate.family.label,
        "params": dict(candidate.params),
        "latency_ms": None,
        "models": 0,
        "weight": 0.0,
        "parity": 0.0,
        "ended_by": "",
        "error": member.error,
    }
