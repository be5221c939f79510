"""HTTP through the guard: the address is checked and pinned before every connection, also after a redirect."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from datasets.connectors._base import Config, ConnectError
from datasets.connectors._guard import Pinned, host_name

MAX_REDIRECTS = 3
CHUNK = 1 << 18
_SILENCE = 30.0  # seconds without a byte
_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Answer:
    """An open answer: where it came from in the end, its status and headers, and its body in chunks."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]

    @property
    def filename(self) -> str:
        """The last part of the address."""
        return unquote(PurePosixPath(urlsplit(self.url).path).name)

    def text(self, most: int = 1 << 20) -> bytes:
        """The body's first bytes."""
        data = b""
        for chunk in self.body:
            data += chunk
            if len(data) >= most:
                break
        return data[:most]


def parse(url: str) -> SplitResult:
    """Return the parts of an http or https address in one spelling; ConnectError for one that could mean two things."""
    if any(ord(sign) <= 32 or sign in '\\<>"^`{|}' or ord(sign) == 127 for sign in url):
        raise _bad_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url(url) from None
    if parts.scheme.lower() not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise _bad_url(url)
    name = host_name(parts.hostname)
    netloc = f"[{name}]" if ":" in name else name
    netloc += f":{port}" if port is not None and port != _PORTS[parts.scheme.lower()] else ""
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return SplitResult(parts.scheme.lower(), netloc, path, quote(parts.query, safe="/%:@!$&'()*+,;=~-._?"), "")


@contextmanager
def get(
    config: Config, url: str, headers: Mapping[str, str], *, method: str = "GET", redirects: int = MAX_REDIRECTS
) -> Iterator[Answer]:
    """Ask for `url`. Credentials in `headers` go to the host of `url` only, and never over to plain http."""
    first = parts = parse(url)
    end = time.monotonic() + config.seconds
    for _turn in range(redirects + 1):
        sent = dict(headers) if parts[:2] == first[:2] else {}
        connection = PinnedConnection(config.guard.pin(parts.hostname or "", port_of(parts)), parts)
        try:
            found = _ask(connection, method, parts, sent)
            target = found.getheader("Location") if found.status in {301, 302, 303, 307, 308} else None
            if target is None or redirects == 0:
                kept = {name.lower(): value for name, value in found.getheaders()}
                yield Answer(parts.geturl(), found.status, kept, _body(found, connection, config.max_bytes, end))
                return
        finally:
            connection.close()
        following = parse(urljoin(parts.geturl(), target))
        if parts.scheme == "https" and following.scheme == "http":
            raise ConnectError(
                "insecure_redirect",
                f"{parts.hostname} redirects from https to http.",
                "Use the address that it should end at.",
            )
        parts = following
    raise ConnectError(
        "too_many_redirects", f"The address redirects more than {redirects} times.", "Use the address it ends at."
    )


class PinnedConnection(http.client.HTTPConnection):
    """Connects to the pinned address; the host's name is used for TLS and in the Host header.

    `timeout` is how many seconds may pass without a byte.
    """

    def __init__(self, pinned: Pinned, parts: SplitResult, timeout: float = _SILENCE) -> None:
        super().__init__(pinned.host, pinned.port, timeout=timeout)
        self.pinned, self.secure, self.silence = pinned, parts.scheme == "https", timeout
        # The Host header names every other port.
        self.default_port = _PORTS[parts.scheme]

    def connect(self) -> None:
        plain = self.pinned.connect(self.silence)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=self.pinned.host) if self.secure else plain
        )


def port_of(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _ask(connection: PinnedConnection, method: str, parts: SplitResult, headers: Mapping[str, str]) -> Any:
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    # Bytes as they are: compressed transfer could be a bomb, and is not the file.
    sent = {"User-Agent": "Atrium", "Accept": "*/*", "Accept-Encoding": "identity", **headers}
    try:
        connection.request(method, target, headers=sent)
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise of_error(error, connection.pinned) from None


def _body(found: Any, connection: PinnedConnection, most: int, end: float) -> Iterator[bytes]:
    done = 0
    length = found.getheader("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length) > most:
        raise _too_large(most)
    while True:
        try:
            chunk = found.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise of_error(error, connection.pinned) from None
        if not chunk:
            if length.isascii() and length.isdigit() and done < int(length):
                raise ConnectError("cut_off", "The file ended before its announced length.", "Try again.", passing=True)
            return
        done += len(chunk)
        if done > most:
            raise _too_large(most)
        if time.monotonic() > end:
            raise ConnectError("too_slow", "The file takes longer than is allowed.", "Try again later.", passing=True)
        yield chunk


def _too_large(most: int) -> ConnectError:
    return ConnectError(
        "too_large", f"The file is larger than {most / 1e9:,.1f} GB, the most that can be read.", "Split it into parts."
    )


def _bad_url(url: str) -> ConnectError:
    return ConnectError(
        "bad_url",
        f"“{url[:120]}” is not an http or https address.",
        "Give an address such as https://example.com/data.csv, without user name or password in it.",
    )


def of_error(error: Exception, pinned: Pinned) -> ConnectError:
    host = pinned.host
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or "TLS"
        hint = (
            "Check that the host's certificate is valid and made for this name, and that it speaks https on this port."
        )
        return ConnectError("tls", f"The encrypted connection to {host} failed: {reason}.", hint)
    if isinstance(error, ConnectionRefusedError):
        hint = "Check host and port, and that the server runs."
        return ConnectError(
            "connection_refused", f"{host} refuses connections on port {pinned.port}.", hint, passing=True
        )
    if isinstance(error, http.client.HTTPException):
        hint = "Check that the port is the one of a web server."
        return ConnectError("not_http", f"{host} does not answer in HTTP.", hint)
    hint = "Check host and port, and whether a firewall stands between."
    return ConnectError("unreachable", f"{host} does not answer.", hint, passing=True)


def refused(answer: Answer, what: str) -> ConnectError:
    """What a person can do about a status that is not 2xx."""
    host = urlsplit(answer.url).hostname
    if answer.status in {401, 403}:
        hint = "Check the user name, password or token of the source, and its right to read."
        return ConnectError("not_permitted", f"{host} does not permit reading {what} ({answer.status}).", hint)
    if answer.status in {404, 410}:
        return ConnectError("unknown_file", f"{host} has no {what} ({answer.status}).", "Check the address.")
    hint = "Try again later, or ask whoever runs the server."
    return ConnectError(
        "server_error", f"{host} answered {answer.status} for {what}.", hint, passing=answer.status >= 500
    )
