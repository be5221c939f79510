"""What every database server asks of those who connect to it."""

from __future__ import annotations

from plugins.params import Param


def server_params(port: int) -> tuple[Param, ...]:
    """Host, port (by default `port`), database, account and encryption."""
    return (
        Param("host", "text", "", "Name or address of the server, such as db.example.com."),
        Param("port", "int", port, "The port it listens on.", low=1, high=65535),
        Param("database", "text", "", "The database's name."),
        Param("user", "text", "", "An account that may only read is best.", label="User name"),
        Param("password", "text", None, "Sealed before it is stored, and never shown again.", optional=True, secret=True),
        Param(
            "tls", "choice", "require",
            "prefer: encrypt where the server can; require: encrypt always; verify: also check the server's certificate.",
            label="Encryption (TLS)", choices=("prefer", "require", "verify"),
        ),
    )  # fmt: skip
