"""A file on a web server, over https or http."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from datasets.connectors import _http
from datasets.connectors._base import Config, ConnectError, Connector, Fetched, ForeignTable
from plugins.params import Param

PARAMS = (
    Param(
        "url", "text", "",
        "The file's address, such as https://example.com/data.csv; or that of a folder, with / at its end.", label="Address",
    ),
    Param("user", "text", None, "For servers that ask for a name and password.", label="User name", optional=True),
    Param("password", "text", None, "Sealed before it is stored, and never shown again.", optional=True, secret=True),
    Param("token", "text", None, "A bearer token, instead of name and password.", optional=True, secret=True),
)  # fmt: skip
_SUFFIXES = {
    "text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/json": ".json",
    "application/x-ndjson": ".jsonl", "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods", "application/zip": ".zip", "application/gzip": ".gz",
}  # fmt: skip


def check(config: Config) -> str:
    url = _base(config)
    with _http.get(config, url, _headers(config)) as answer:
        folder = url.endswith("/")
        # A folder need not have a page of its own.
        if answer.status >= 400 and not (folder and answer.status in {403, 404}):
            raise _http.refused(answer, answer.filename or "the folder")
        size = answer.headers.get("content-length", "")
    host = urlsplit(url).hostname
    if folder:
        return f"{host} answers; name files below this address."
    return f"{host} answers; the file has {int(size):,} bytes." if size.isdigit() else f"{host} answers with the file."


def discover(config: Config) -> list[ForeignTable]:
    """The one file; what lies in a folder cannot be listed over HTTP."""
    url = _base(config)
    if url.endswith("/"):
        return []
    with _http.get(config, url, _headers(config)) as answer:
        size = answer.headers.get("content-length", "")
    return [ForeignTable(_name(url), "file", size=int(size) if size.isdigit() else None)]


def fetch(config: Config, name: str, target: Path, tick: Callable[[int], None]) -> Fetched:
    """Bring the file to `target`."""
    with _http.get(config, _address(config, name), _headers(config)) as answer:
        if answer.status != 200:
            raise _http.refused(answer, name)
        with target.open("wb") as out:
            for chunk in answer.body:
                out.write(chunk)
                tick(len(chunk))
        filename = answer.filename or name
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not Path(filename).suffix:
            filename += _SUFFIXES.get(kind, "")
        return Fetched(filename, answer.headers.get("etag", ""))


def _base(config: Config) -> str:
    return _http.parse(str(config["url"])).geturl()


def _name(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1] or (urlsplit(url).hostname or "file")


def _address(config: Config, name: str) -> str:
    """The file's own address, which lies below the source's where that is a folder."""
    base = _base(config)
    if not base.endswith("/"):
        if name != _name(base):
            raise ConnectError("unknown_file", f"The source has no file “{name[:200]}”.", f"It has “{_name(base)}”.")
        return base
    address = _http.parse(urljoin(base, quote(name.lstrip("/"), safe="/"))).geturl()
    if not address.startswith(base) or ".." in name.split("/"):
        raise ConnectError("unknown_file", "The file lies outside the source's folder.", "Name a file below it.")
    return address


def _headers(config: Config) -> dict[str, str]:
    if config["token"]:
        return {"Authorization": f"Bearer {_one_line(config['token'])}"}
    if config["user"]:
        pair = f"{config['user']}:{config['password'] or ''}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return {}


def _one_line(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ConnectError("bad_token", "The token has characters that no token has.", "Enter it again.")
    return text


def place(values: Mapping[str, Any]) -> str:
    return str(values.get("url", ""))


CONNECTOR = Connector(
    name="http",
    label="File on the web",
    help="A table file of any known format at an https or http address.",
    icon="world-download",
    params=PARAMS,
    check=check,
    discover=discover,
    fetch=fetch,
    place=place,
)
