"""Secrets that must be kept to be used again, such as the password of a database: sealed with a key from the environment.

AES-256-GCM under a key that is derived (HKDF) from the secret key. A sealed text names the key that sealed it, so that
the secret key can be replaced: the old one moves to ATRIUM_SECRET_KEY_FALLBACKS and goes on opening what it sealed.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from rest.problems import Refused

_SCHEME = "a1"
_NONCE = 12


def seal(text: str) -> str:
    """Return `text` sealed: `a1.<key id>.<nonce and ciphertext>`. The same text never seals to the same bytes twice."""
    key_id, key = _keys()[0]
    nonce = os.urandom(_NONCE)
    body = nonce + AESGCM(key).encrypt(nonce, text.encode(), _header(key_id))
    return f"{_SCHEME}.{key_id}.{base64.urlsafe_b64encode(body).decode()}"


def unseal(sealed: str) -> str:
    """Return the text that `seal` was given; Refused when no key of this platform opens it."""
    scheme, _dot, rest = sealed.partition(".")
    key_id, _dot, body = rest.partition(".")
    key = dict(_keys()).get(key_id)
    if scheme != _SCHEME or key is None:
        raise _cannot_open()
    try:
        data = base64.urlsafe_b64decode(body)
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], _header(key_id)).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise _cannot_open() from None


def is_current(sealed: str) -> bool:
    """Whether the present secret key sealed this text; if not, seal it again."""
    return sealed.startswith(f"{_SCHEME}.{_keys()[0][0]}.")


def _keys() -> list[tuple[str, bytes]]:
    """(key id, key) of the present secret key, then of earlier ones."""
    return [_derived(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _derived(secret: str) -> tuple[str, bytes]:
    made = HKDF(SHA256(), length=36, salt=None, info=b"atrium secrets a1").derive(secret.encode())
    return made[32:].hex(), made[:32]


def _header(key_id: str) -> bytes:
    """Scheme and key id are authenticated with the text."""
    return f"{_SCHEME}.{key_id}".encode()


def _cannot_open() -> Refused:
    detail = _(
        "A stored secret cannot be opened with this platform's secret key. If the key was replaced, put the old one into"
        " ATRIUM_SECRET_KEY_FALLBACKS; otherwise enter the secret again."
    )
    return Refused("secret_unreadable", detail)
