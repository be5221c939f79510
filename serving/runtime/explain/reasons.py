"""Explanations as a deployment adds them to its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving.runtime.answering import Computed
from serving.runtime.explain.explainer import Explainer
from serving.runtime.faults import Fault, InstanceErrors
from serving.runtime.inputs import _

TOO_MANY = _("got %(got)s instances; with “explain”, this model takes at most %(most)s in one request")


@dataclass(frozen=True, slots=True)
class Reasons:
    """Fills the hook `Explanation` of `serving.runtime.answering`. `load` gives the explainer, kept by whoever does."""

    load: Callable[[], Explainer]

    def add(self, computed: Computed, answers: list[dict[str, Any]]) -> None:
        """Raises InstanceErrors for more instances than the way of this model can explain in one request."""
        explainer = self.load()
        if len(computed.rows) > explainer.most:
            values = {"got": len(computed.rows), "most": explainer.most}
            raise InstanceErrors([Fault("instances", TOO_MANY, values)])
        for answer, told in zip(answers, explainer.explain(computed.rows, computed.matrix), strict=True):
            answer["explanation"] = told
