"""Where connections may go. Every connector asks here before it opens one, and connects to the address it is given.

A name is resolved once; each of its addresses must be allowed; the connection then goes to that address and not to
the name, so that a name which answers differently a moment later changes nothing. Addresses that are not public are
refused unless a platform admin has allowed the host or its network. Some are refused always.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.connectors._base import ConnectError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.A
)
# A last label that is a number, also in hexadecimal: the C library would read such a name as an address.
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.A)
# Where clouds tell a machine its own credentials; some of these are public addresses.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
_RESERVED = ipaddress.IPv4Network("240.0.0.0/4")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A host that may be reached: its name, for TLS and for headers, and the one address to connect to."""

    host: str
    port: int
    address: str

    def connect(self, timeout: float) -> socket.socket:
        """Open a TCP connection to the pinned address."""
        return socket.create_connection((self.address, self.port), timeout)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of the allow-list: a host name (`*.` before it means every name below), an address or a network."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Allowance:
        """Read `db.example.com`, `*.example.com:5432`, `10.1.2.3`, `10.0.0.0/8` or `[fd00::1]:5432`; ValueError if it is none."""
        bare, port = _split_port(text.strip().lower())
        try:
            return cls(network=ipaddress.ip_network(bare), port=port)
        except ValueError:
            name = bare.rstrip(".")
            if _NUMERIC.fullmatch(name) or not _NAME.fullmatch(name.removeprefix("*.")):
                raise ValueError(f"got {text[:80]!r}; expected a host name, an address or a network") from None
            return cls(name=name, port=port)

    def covers(self, host: str, address: Address, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address.version == self.network.version and address in self.network
        return host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("[") and "]" in text:
        bare, _bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest.startswith(":") else ""
        if rest and not port:
            raise ValueError(f"got {text[:80]!r}; expected [address]:port")
    else:
        bare, _colon, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"got the port {port[:20]!r}; expected 1 to 65535")
    return bare, int(port) if port else None


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides on addresses by the allow-list of the platform admin."""

    allow: tuple[Allowance, ...] = ()

    @classmethod
    def of(cls, entries: tuple[str, ...] | list[str]) -> Guard:
        return cls(tuple(Allowance.parse(entry) for entry in entries))

    def pin(self, host: str, port: int) -> Pinned:
        """Resolve `host`, check every address it has, and return the one to connect to; ConnectError if any is refused."""
        name = host_name(host)
        addresses = _resolve(name, port)
        for address in addresses:
            self._admit(name, address, port)
        return Pinned(name, port, str(addresses[0]))

    def _admit(self, host: str, address: Address, port: int) -> None:
        for each in (address, *_embedded(address)):
            if word := _never(each):
                raise _refused(host, address, word)
            public = each.is_global and not getattr(each, "is_site_local", False)
            if not public and not any(entry.covers(host, each, port) for entry in self.allow):
                raise _not_allowed(host, address, port)


def host_name(host: str) -> str:
    """Return a host in its one plain spelling: an address, or a name in ASCII; ConnectError for anything else."""
    text = host.strip()
    try:
        return str(ipaddress.ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text))
    except ValueError:
        pass
    try:
        name = text.rstrip(".").encode("idna").decode().lower() if not text.isascii() else text.rstrip(".").lower()
    except UnicodeError:
        raise _not_a_host(host) from None
    if _NUMERIC.fullmatch(name) or not _NAME.fullmatch(name):
        raise _not_a_host(host)
    return name


def _resolve(name: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError:
        raise _error(
            "unknown_host",
            f"The name “{name}” is not known to the network.",
            "Check the spelling of the host, and that this platform's machine can look it up.",
            passing=True,
        ) from None
    # An address with a scope, such as fe80::1%eth0, is judged without it.
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return list(dict.fromkeys(addresses))


def _embedded(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    inner += list(address.teredo or ())
    if address in _NAT64 or address in _NAT64_LOCAL or (address in _V4_COMPATIBLE and int(address) > 1):
        inner.append(last)
    return [each for each in inner if each is not None]


def _never(address: Address) -> str:
    """Why an address is refused whatever the allow-list says; "" if it is not."""
    if address in _METADATA:
        return "a cloud's metadata service"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified or (address.version == 4 and (address in _THIS_NETWORK or address in _RESERVED)):
        return "not the address of a machine"
    return ""


def _error(code: str, detail: str, hint: str, *, passing: bool = False) -> ConnectError:
    from datasets.connectors._base import ConnectError

    return ConnectError(code, detail, hint, passing=passing)


def _not_a_host(host: str) -> ConnectError:
    return _error(
        "bad_host",
        f"“{host[:80]}” is not the name or address of one host.",
        "Give a name such as db.example.com, or an address such as 203.0.113.5, without scheme, user, port or path.",
    )


def _refused(host: str, address: Address, word: str) -> ConnectError:
    where = host if host == str(address) else f"{host} ({address})"
    return _error("address_refused", f"{where} is {word}; no connection is made there.", "Choose another host.")


def _not_allowed(host: str, address: Address, port: int) -> ConnectError:
    where = host if host == str(address) else f"{host} ({address})"
    return _error(
        "address_not_allowed",
        f"{where} is not a public address, and such hosts are reached only when they are allowed.",
        f"A platform admin can allow “{host}:{port}” under Admin, Connections, or with ATRIUM_CONNECT_ALLOW.",
    )
