"""What a request says before its body: enough to know whether the core answers it, and who asks for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.translation import get_language_from_request
from rest_framework.exceptions import UnsupportedMediaType

from serving.runtime import oip

# Kept as they came: header to attribute of Head.
TEXTS = {
    b"content-encoding": "encoding",
    b"accept-encoding": "accepted",
    oip.HEADER.lower().encode(): "json_length",
}


@dataclass(slots=True)
class Head:
    """The headers that count. `digest` is the token's SHA-256, None for an Authorization that is no token's."""

    digest: str | None = None
    content_type: bytes = b""
    length: int | None = None
    encoding: str = ""
    request_id: str | None = None
    accepted: str = ""  # encodings of the answer
    json_length: str | None = None  # of the JSON before binary tensors, as it was sent

    def require_json(self) -> None:
        """Raise what becomes 415."""
        if self.content_type != b"application/json":
            kind = self.content_type.partition(b";")[0].strip().lower()
            if kind != b"application/json":
                told = kind.decode("latin-1") or "none"
                raise UnsupportedMediaType(told, "Send the header Content-Type: application/json.")


def read_head(scope: Mapping[str, Any]) -> Head | None:
    """Read the headers; None for a request that Django answers: of a session, in another language, for an unknown host,
    or one that has to be sent to HTTPS first."""
    head, authorised, host = Head(), None, None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if authorised is not None:
                return None
            authorised = value
        elif name == b"content-type":
            head.content_type = value
        elif name == b"content-length":
            head.length = int(value)
        elif name == b"host":
            host = value
        elif name in TEXTS:
            setattr(head, TEXTS[name], value.decode("latin-1"))
        elif name == b"x-request-id":
            head.request_id = _id_of(value)
        elif name == b"accept-language" and not _is_default_language(value):
            return None
    if authorised is None or authorised[:7].lower() != b"bearer " or host is None or not _is_known(host):
        return None
    if settings.SECURE_SSL_REDIRECT and not _is_secure(scope):
        return None
    parts = authorised.split()
    head.digest = sha256(parts[1]).hexdigest() if len(parts) == 2 else None
    return head


def _id_of(value: bytes) -> str:
    """The caller's own id where it is one, as `rest.middleware` has it."""
    try:
        return str(UUID(value.decode("latin-1")))
    except ValueError:
        return str(uuid4())


@lru_cache(maxsize=256)
def _is_known(host: bytes) -> bool:
    domain = split_domain_port(host.decode("latin-1"))[0]
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@lru_cache(maxsize=256)
def _is_default_language(value: bytes) -> bool:
    class Asking:
        """As much of a request as choosing a language reads."""

        COOKIES: dict[str, str] = {}
        META = {"HTTP_ACCEPT_LANGUAGE": value.decode("latin-1")}

    return get_language_from_request(Asking()) == settings.LANGUAGE_CODE  # type: ignore[arg-type]


def _is_secure(scope: Mapping[str, Any]) -> bool:
    if scope.get("scheme") == "https":
        return True
    proxied = settings.SECURE_PROXY_SSL_HEADER
    if proxied is None:
        return False
    wanted = proxied[0].removeprefix("HTTP_").replace("_", "-").lower().encode()
    return any(name == wanted and value.decode("latin-1") == proxied[1] for name, value in scope["headers"])
