"""Keys of pseudonyms: derived from one master key by name, never stored with a recipe or a model.

The platform calls `use_master` when it starts. Elsewhere, such as beside an exported model, the environment variable
ATRIUM_PSEUDONYM_KEY holds the 64 hexadecimal digits that `manage.py pseudonym_key` prints for one scope.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable

VARIABLE = "ATRIUM_PSEUDONYM_KEY"
_source: Callable[[], bytes] | None = None


def use_master(source: Callable[[], bytes]) -> None:
    """Take the master key from there; it is asked for only when a pseudonym is made."""
    global _source  # noqa: PLW0603 one process has one master key
    _source = source


def scope_key(scope: str) -> bytes:
    """The key of one scope, such as a department: what another scope knows tells nothing about it."""
    if _source is not None:
        return _derived(_source(), f"scope:{scope}")
    if given := os.environ.get(VARIABLE):
        return bytes.fromhex(given)
    raise LookupError(f"there is no key for pseudonyms; set {VARIABLE}")


def key(scope: str, name: str) -> bytes:
    """The key of that name within the scope."""
    return _derived(scope_key(scope), f"name:{name}")


def fingerprint(key: bytes) -> str:
    """Tells whether two keys are the same without telling the key."""
    return _derived(key, "fingerprint").hex()[:16]


def _derived(key: bytes, label: str) -> bytes:
    return hmac.new(key, label.encode(), hashlib.sha256).digest()
