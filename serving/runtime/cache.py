"""What is loaded, such as predictors: the least recently used one leaves first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from serving.runtime.predictor import Predictor

Loaded = TypeVar("Loaded")


class Cache(Generic[Loaded]):
    """Thread-safe. Each is loaded once although many ask at the same time; others are served meanwhile."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = Lock()
        self._found: OrderedDict[str, Loaded] = OrderedDict()
        self._loading: dict[str, Lock] = {}

    def get(self, key: str, load: Callable[[], Loaded]) -> Loaded:
        """Return what is kept under that key, loading it with `load` if it is not there."""
        found = self._look_up(key)
        if found is not None:
            return found
        with self._lock:
            mine = self._loading.setdefault(key, Lock())
        with mine:
            found = self._look_up(key) or self._keep(key, load())
        with self._lock:
            self._loading.pop(key, None)
        return found

    def _look_up(self, key: str) -> Loaded | None:
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def _keep(self, key: str, found: Loaded) -> Loaded:
        with self._lock:
            self._found[key] = found
            while len(self._found) > self.size:
                self._found.popitem(last=False)
        return found

    def clear(self) -> None:
        with self._lock:
            self._found.clear()

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def __len__(self) -> int:
        return len(self._found)


class PredictorCache(Cache[Predictor]):
    """Predictors by the hash of their artifact."""
