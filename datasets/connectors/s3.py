"""Files in S3, or in a store that speaks its protocol. Requests are signed with AWS Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from datasets.connectors import _http
from datasets.connectors._base import MAX_TABLES, Config, ConnectError, Connector, Fetched, ForeignTable
from plugins.params import Param

PARAMS = (
    Param(
        "endpoint", "text", None, "Only for stores other than AWS: its address, such as https://minio.example.com.",
        optional=True,
    ),
    Param("region", "text", "us-east-1", "The region of the bucket."),
    Param("bucket", "text", "", "The bucket's name."),
    Param("prefix", "text", None, "Only files whose names begin like this, such as exports/2024/.", optional=True),
    Param("access_key", "text", None, "Empty for a bucket that everybody may read.", label="Access key", optional=True),
    Param(
        "secret_key", "text", None, "Sealed before it is stored, and never shown again.", label="Secret key",
        optional=True, secret=True,
    ),
)  # fmt: skip
_EMPTY = hashlib.sha256(b"").hexdigest()
_SAFE = "-_.~"
_MAX_XML = 8 * 2**20


def check(config: Config) -> str:
    found = next(_pages(config, most=1), [])
    below = f" below {config['prefix']}" if config["prefix"] else ""
    state = "has files" if found else "has no file"
    return f"The bucket {config['bucket']} answers and {state}{below}."


def discover(config: Config) -> list[ForeignTable]:
    """The files of the bucket, by name."""
    tables: list[ForeignTable] = []
    for page in _pages(config):
        tables += [ForeignTable(key, "file", size=size) for key, size in page if not key.endswith("/")]
        if len(tables) >= MAX_TABLES:
            break
    return tables[:MAX_TABLES]


def fetch(config: Config, name: str, target: Path, tick: Callable[[int], None]) -> Fetched:
    """Bring the file to `target`."""
    if not name.startswith(config["prefix"] or ""):
        raise ConnectError("unknown_file", "The file lies outside the source's prefix.", "Choose a file of the list.")
    with _asked(config, name, {}) as answer:
        if answer.status != 200:
            raise _of_answer(answer, name)
        with target.open("wb") as out:
            for chunk in answer.body:
                out.write(chunk)
                tick(len(chunk))
        return Fetched(name.rsplit("/", 1)[-1], answer.headers.get("etag", "").strip('"'))


def _pages(config: Config, most: int = 1000) -> Iterator[list[tuple[str, int]]]:
    """The names and sizes of the bucket's files, a page at a time (ListObjectsV2)."""
    query = {"list-type": "2", "max-keys": str(most), "prefix": config["prefix"] or ""}
    while True:
        with _asked(config, "", query) as answer:
            if answer.status != 200:
                raise _of_answer(answer, f"the bucket {config['bucket']}")
            root = _xml(answer)
        yield [(_word(each, "Key"), int(_word(each, "Size") or 0)) for each in root.iter() if _tag(each) == "Contents"]
        token = _word(root, "NextContinuationToken")
        if not token or most == 1:
            return
        query["continuation-token"] = token


@contextmanager
def _asked(config: Config, key: str, query: Mapping[str, str]) -> Iterator[_http.Answer]:
    bucket = str(config["bucket"])
    if not bucket or "/" in bucket or bucket.startswith("."):
        raise ConnectError("bad_bucket", f"“{bucket[:80]}” is not a bucket's name.", "Give the name alone.")
    endpoint = _http.parse(config["endpoint"] or f"https://s3.{config['region']}.amazonaws.com")
    path = endpoint.path.rstrip("/") + quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe=f"/{_SAFE}")
    parts = endpoint._replace(path=path, query=urlencode(sorted(query.items()), quote_via=quote, safe=_SAFE))
    headers = _signed(config, parts.netloc, path, parts.query, datetime.now(UTC))
    # The path is signed as it stands, so that a redirect elsewhere could not be followed anyway.
    with _http.get(config, parts.geturl(), headers, redirects=0) as answer:
        yield answer


def _signed(config: Config, host: str, path: str, query: str, now: datetime) -> dict[str, str]:
    """The headers of a GET without a body. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"""
    key_id, secret = config["access_key"], config["secret_key"]
    if not key_id:
        return {}
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(["GET", path, query, lines, names, _EMPTY])
    scope = f"{day}/{config['region']}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret or ''}".encode()
    for part in (day, str(config["region"]), "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {
        "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp, "Authorization": f"AWS4-HMAC-SHA256 {credential}",
    }  # fmt: skip


def _xml(answer: _http.Answer) -> ElementTree.Element:
    data = answer.text(_MAX_XML)
    try:
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise ElementTree.ParseError
        return ElementTree.fromstring(data)  # noqa: S314
    except ElementTree.ParseError:
        hint = "Check the endpoint: it is the address of the store, without the bucket."
        raise ConnectError("not_s3", f"{urlsplit(answer.url).hostname} does not answer like S3.", hint) from None


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _word(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == name), "")


def _of_answer(answer: _http.Answer, what: str) -> ConnectError:
    try:
        code = _word(_xml(answer), "Code")
    except ConnectError:
        return _http.refused(answer, what)
    hint = _HINTS.get(code)
    if hint is None:
        return _http.refused(answer, what)
    return ConnectError(_CODES.get(code, "not_permitted"), f"The store answers {code} for {what}.", hint)


_CODES = {
    "NoSuchBucket": "unknown_bucket", "NoSuchKey": "unknown_file", "PermanentRedirect": "wrong_region",
    "AuthorizationHeaderMalformed": "wrong_region", "InvalidAccessKeyId": "wrong_password",
    "SignatureDoesNotMatch": "wrong_password",
}  # fmt: skip
_HINTS = {
    "NoSuchBucket": "Check the bucket's name.",
    "NoSuchKey": "Look the files up again, and choose one of them.",
    "PermanentRedirect": "Give the region that the bucket lies in.",
    "AuthorizationHeaderMalformed": "Give the region that the bucket lies in.",
    "InvalidAccessKeyId": "Enter the access key and the secret key again.",
    "SignatureDoesNotMatch": "Enter the access key and the secret key again.",
    "AccessDenied": "Ask for the right to list the bucket and to read its files (s3:ListBucket, s3:GetObject).",
    "RequestTimeTooSkewed": "The clock of this platform's machine is wrong; ask its operator.",
}


def place(values: Mapping[str, Any]) -> str:
    return f"{values.get('endpoint') or 's3'}/{values.get('bucket', '')}/{values.get('prefix') or ''}"


CONNECTOR = Connector(
    name="s3",
    label="S3 or compatible",
    help="Table files of any known format in a bucket of S3, MinIO, Ceph or another compatible store.",
    icon="bucket",
    params=PARAMS,
    check=check,
    discover=discover,
    fetch=fetch,
    place=place,
)
