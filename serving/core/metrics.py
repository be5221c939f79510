"""Counts of the prediction core, in Prometheus' text format. Each process counts for itself."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

# Seconds; a request of one row takes well under a millisecond.
BOUNDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Requests by deployment and status, how long they took from arrival to answer, and how many wait."""

    def __init__(self) -> None:
        self.depth: Callable[[], int] = lambda: 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def count(self, deployment: str, status: int, seconds: float) -> None:
        """`deployment` is empty for a caller who was not let in: names that strangers make up are not kept."""
        self._requests[deployment, status] += 1
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def text(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("atrium_predict_requests_total", "counter", "Predict requests, by deployment and status.")
        for (deployment, status), count in sorted(self._requests.items()):
            yield f'atrium_predict_requests_total{{deployment="{deployment}",status="{status}"}} {count}'
        yield from _head("atrium_predict_seconds", "histogram", "From a request's arrival to its answer.")
        total = 0
        for bound, count in zip((*BOUNDS, "+Inf"), self._buckets, strict=True):
            total += count
            yield f'atrium_predict_seconds_bucket{{le="{bound}"}} {total}'
        yield f"atrium_predict_seconds_sum {self._seconds:.6f}"
        yield f"atrium_predict_seconds_count {total}"
        yield from _head("atrium_predict_queue_depth", "gauge", "Requests that wait for a computation.")
        yield f"atrium_predict_queue_depth {self.depth()}"


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"


METRICS = Metrics()
