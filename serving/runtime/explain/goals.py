"""What somebody wants a model to answer instead, read from a request: {"label": …}, {"at_least": …}, {"decision": …}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.runtime.explain.counterfactuals import Answer, Goal
from serving.runtime.faults import Fault, InstanceErrors
from serving.runtime.inputs import _, shown
from serving.runtime.predictor import key_of

WANT = _('expected an object such as {"label": "good"}, {"label": "good", "at_least": 0.7} or {"at_least": 100}')
LABEL = _("got %(got)s; this model answers %(known)s")
NUMBER = _("got %(got)s; expected a number")
BOUND = _("say which value is wanted: at least (at_least) or at most (at_most) a number")
SHARE = _("got %(got)s; expected a probability above 0 and at most 1")
THERE = _("this is already the answer; there is nothing to change")
DECISION = _("this deployment has no decision policy; ask for a label or a value")


def goal_of(want: Any, classes: Sequence[Any], now: Answer) -> Goal:
    """The goal, given the present answer. Without a wish: another decision where a policy decides, else another label.

    Raises InstanceErrors.
    """
    if want is None:
        want = {}
    if not isinstance(want, Mapping):
        raise _fault("want", WANT)
    known = {"label", "at_least", "decision"} if classes else {"at_least", "at_most", "decision"}
    for name in want:
        if name not in known:
            raise _fault(f"want.{str(name)[:80]}", WANT)
    goal = _read(want, classes, now)
    if goal.reached(now):
        raise _fault("want", THERE)
    return goal


def _read(want: Mapping[str, Any], classes: Sequence[Any], now: Answer) -> Goal:
    if not want and classes and "decision" in now:
        return _another_decision(classes, now)
    if "decision" in want:
        return _decision(want["decision"], classes, now)
    return _label(want, classes, now) if classes else _bound(want)


def _another_decision(classes: Sequence[Any], now: Answer) -> Goal:
    """Of two classes the other one; of more, or where a person decides now, any that the policy decides for itself."""
    present = outcome_of(now)
    others = [label for label in classes if label != present]
    if present is not None and len(others) == 1:
        return _decision(others[0], classes, now)
    keys = [key_of(label) for label in others]
    return Goal(
        lambda answer: outcome_of(answer) not in {None, present},
        lambda answer: max(answer["probabilities"][key] for key in keys),
    )


def _decision(wanted: Any, classes: Sequence[Any], now: Answer) -> Goal:
    if "decision" not in now:
        raise _fault("want.decision", DECISION)
    if not classes:
        if type(wanted) not in {int, float}:
            raise _fault("want.decision", NUMBER, got=shown(wanted))
        return Goal(lambda answer: outcome_of(answer) == wanted, lambda answer: -abs(answer["value"] - wanted))
    labels = {key_of(label): label for label in classes}
    if not isinstance(wanted, str | int | float) or key_of(wanted) not in labels:
        raise _fault("want.decision", LABEL, got=shown(wanted), known=", ".join(list(labels)[:20]))
    label, key = labels[key_of(wanted)], key_of(wanted)
    return Goal(lambda answer: outcome_of(answer) == label, lambda answer: float(answer["probabilities"][key]))


def outcome_of(answer: Answer) -> Any:
    """What a policy decided; None while a person decides, or where there is no policy."""
    return (answer.get("decision") or {}).get("decision")


def _label(want: Mapping[str, Any], classes: Sequence[Any], now: Answer) -> Goal:
    labels = {key_of(label): label for label in classes}
    if "label" not in want:
        others = [label for label in classes if label != now["label"]]
        if len(others) > 1:
            key = key_of(now["label"])
            return Goal(lambda answer: answer["label"] != now["label"], lambda answer: -answer["probabilities"][key])
        return _one_label(others[0], want.get("at_least"))
    wanted = want["label"]
    if not isinstance(wanted, str | int | float) or key_of(wanted) not in labels:
        raise _fault("want.label", LABEL, got=shown(wanted), known=", ".join(list(labels)[:20]))
    return _one_label(labels[key_of(wanted)], want.get("at_least"))


def _one_label(label: Any, least: Any) -> Goal:
    key = key_of(label)

    def nearness(answer: Answer) -> float:
        return float(answer["probabilities"][key])

    if least is None:
        return Goal(lambda answer: answer["label"] == label, nearness)
    if type(least) not in {int, float} or not 0 < least <= 1:
        raise _fault("want.at_least", SHARE, got=shown(least))
    return Goal(lambda answer: nearness(answer) >= least, nearness)


def _bound(want: Mapping[str, Any]) -> Goal:
    if len(want) != 1:
        raise _fault("want", BOUND)
    [(name, bound)] = want.items()
    if type(bound) not in {int, float}:
        raise _fault(f"want.{name}", NUMBER, got=shown(bound))
    sign = 1.0 if name == "at_least" else -1.0
    return Goal(lambda answer: sign * (answer["value"] - bound) >= 0, lambda answer: sign * answer["value"])


def _fault(field: str, text: str, **values: Any) -> InstanceErrors:
    return InstanceErrors([Fault(field, text, values)])
