"""How a study goes about its search, as it is asked for, and what of it cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from rest.problems import invalid
from training.configuration import TIME_LIMIT, Configuration
from training.engine.errors import TrainError
from training.engine.family import FAMILIES
from training.engine.pruning import LOSS_PARAMS, Course
from training.engine.search import space
from training.models import Pruner

TRIALS = (1, 200)
PARALLEL = (1, 16)
LIMITS = {"latency_ms": (0.001, 60_000.0), "size_mb": (0.001, 10_000.0)}
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How a study goes about it; see the fields of Study."""

    pruner: str = Pruner.NONE
    limits: Mapping[str, float] = field(default_factory=dict)
    parallel: int = 2
    total_time_limit: float | None = None
    warm_start: bool = True
    model_name: str = ""
    promote_best: bool = True

    def columns(self) -> dict[str, Any]:
        """The fields as Study stores them."""
        return {name: value for name, value in asdict(self).items() if name != "warm_start"}


def check_search(family: str, search: Mapping[str, Any], trials: int) -> None:
    """Raise 422 for ranges that the family's declarations do not allow, and for too many trials."""
    within("trials", trials, TRIALS)
    try:
        space(FAMILIES[family].params, search)
    except TrainError as error:
        raise invalid(error.field, f"{error.detail} {error.hint}".strip()) from error


def check_options(asked: Options, configuration: Configuration, search: Mapping[str, Any]) -> None:
    """Raise 422 for what a study cannot do, or not on this configuration."""
    within("parallel", asked.parallel, PARALLEL)
    within("total_time_limit", asked.total_time_limit, TIME_LIMIT)
    for name, value in asked.limits.items():
        if name not in LIMITS:
            words = {"got": name[:40], "known": ", ".join(LIMITS)}
            raise invalid(f"limits.{name[:40]}", _("there is no limit “%(got)s”; known are %(known)s") % words)
        within(f"limits.{name}", value, LIMITS[name])
    if asked.pruner not in Pruner.values:
        words = {"got": asked.pruner[:40], "known": ", ".join(Pruner.values)}
        raise invalid("pruner", _("got “%(got)s”; choose from %(known)s") % words)
    if asked.pruner != Pruner.NONE and (why := _cannot_prune(configuration, search)):
        raise invalid("pruner", why + " " + _("Choose none."))


def _cannot_prune(configuration: Configuration, search: Mapping[str, Any]) -> str:
    """Why trials of this configuration cannot be compared on their way; empty where they can."""
    if not configuration.split.get("validation"):
        return _("Trials are compared on validation rows on their way, and this split keeps none.")
    if other := [name for name in search if name in LOSS_PARAMS]:
        return _("Trials that differ in “%s” measure different losses on their way.") % other[0]
    if Course.of(FAMILIES[configuration.family], configuration.params, 1, configuration.task) is None:
        return _("This family counts neither epochs nor rounds.")
    return ""


def within(name: str, value: float | None, allowed: tuple[float, float]) -> None:
    if value is not None and not allowed[0] <= value <= allowed[1]:
        words = {"got": value, "low": allowed[0], "high": allowed[1]}
        raise invalid(name, _("got %(got)s; expected a number from %(low)s to %(high)s") % words)
