"""Line ends of several kinds in one file: a carriage return alone ends a line too, unless it stands inside quotes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 20
_RETURN, _NEWLINE, _QUOTE = 13, 10, 34


def mended(path: Path, workdir: Path) -> Path:
    """Return the text with a line feed in place of every return that ends a line by itself; as it is without any."""
    if not any(alone(chunk, after) for chunk, after in chunks(path)):
        return path
    target = workdir / "returns.utf8"
    quotes = 0
    with target.open("wb") as out:
        for chunk, after in chunks(path):
            out.write(_replaced(chunk, after, quotes))
            quotes += chunk.count(b'"')
    return target


def chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the file's bytes, and with each part the byte that comes after it."""
    with path.open("rb") as file:
        chunk = file.read(_CHUNK)
        while chunk:
            following = file.read(_CHUNK)
            yield chunk, following[:1]
            chunk = following


def alone(chunk: bytes, after: bytes) -> bool:
    """Answer whether a part of a text, and the byte after it, hold a return without a line feed."""
    if b"\r" not in chunk:
        return False
    split = chunk.endswith(b"\r") and after == b"\n"
    return chunk.count(b"\r") > chunk.count(b"\r\n") + split


def _replaced(chunk: bytes, after: bytes, quotes: int) -> bytes:
    """The chunk, before which so many quotes stand."""
    import numpy as np

    if not alone(chunk, after):
        return chunk
    signs = np.frombuffer(chunk + after, np.uint8).copy()
    returns = np.flatnonzero(signs[: len(chunk)] == _RETURN)
    followed = signs[np.minimum(returns + 1, len(signs) - 1)] == _NEWLINE
    before = quotes + np.searchsorted(np.flatnonzero(signs == _QUOTE), returns)
    signs[returns[~followed & (before % 2 == 0)]] = _NEWLINE
    return signs[: len(chunk)].tobytes()
