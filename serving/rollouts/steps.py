"""The steps of a rollout: who is asked how much, and for how long before the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from rest.problems import Refused, invalid

Mode = Literal["shadow", "canary"]
SHADOW: Mode = "shadow"
CANARY: Mode = "canary"
MOST_STEPS = 12
LONGEST = 30 * 24 * 60  # minutes
MOST_CALLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """`share` of the callers get the challenger's answer; none of them in shadow, where it answers unseen.

    The step bakes for at least `minutes` and until the challenger was asked `calls` times; with minutes None it lasts
    until somebody advances it.
    """

    mode: Mode
    share: float = 0.0
    minutes: float | None = 10.0
    calls: int = 100

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Step:
        return cls(item["mode"], item["share"], item["minutes"], item["calls"])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def rest(self) -> float:
        """The champion's share."""
        return 1.0 - self.share

    @property
    def is_live(self) -> bool:
        """Whether callers get the challenger's answers."""
        return self.mode == CANARY


DEFAULT = (Step(SHADOW), Step(CANARY, 0.05), Step(CANARY, 0.25), Step(CANARY, 1.0))


def check(steps: Sequence[Step]) -> None:
    """Raise Refused (422) for steps that are no way up: shadow first, then growing shares."""
    if not 1 <= len(steps) <= MOST_STEPS:
        raise invalid("steps", _("give 1 to %d steps") % MOST_STEPS)
    share = 0.0
    for index, step in enumerate(steps):
        _check_one(step, f"steps[{index}]")
        if step.share < share or (step.share == share and step.is_live):
            raise invalid(f"steps[{index}].share", _("each step gives the challenger more than the one before it"))
        share = step.share


def _check_one(step: Step, field: str) -> None:
    if step.mode == SHADOW and step.share != 0:
        raise invalid(f"{field}.share", _("a shadow's answers reach no caller: its share is 0"))
    if step.mode == CANARY and not 0 < step.share <= 1:
        raise invalid(f"{field}.share", _("a share is above 0 and at most 1"))
    if step.minutes is not None and not 0 <= step.minutes <= LONGEST:
        raise invalid(
            f"{field}.minutes", _("a step bakes for 0 to %d minutes, or null until somebody advances it") % LONGEST
        )
    if not 0 <= step.calls <= MOST_CALLS:
        raise invalid(f"{field}.calls", _("0 to %d calls") % MOST_CALLS)


def moved_on() -> Refused:
    """Two people, or a person and the clock, moved the same step."""
    detail = _("The rollout moved on since you read it. Look at it again and decide anew.")
    return Refused("moved-on", detail)
