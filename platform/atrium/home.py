"""ATRIUM_HOME: the one folder that holds everything a running platform keeps."""

import secrets
from pathlib import Path

FOLDERS = ("files", "broker/queue", "broker/control", "cache", "logs", "static", "tmp", "work", "spool", "uploads")


def ensure_home(home: Path) -> Path:
    """Make the folder and its rooms if they are missing; return it."""
    for name in FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True)
    return home


def embedded_secret(home: Path) -> str:
    """Return the signing key kept in `home`, made on first use and readable by its owner only."""
    file = home / "secret-key"
    try:
        with file.open("x") as made:
            file.chmod(0o600)
            made.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return file.read_text().strip()
