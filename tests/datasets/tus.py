"""Speaking the upload protocol to the API."""

from __future__ import annotations

import base64
from typing import Any

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
BYTES = "application/offset+octet-stream"
UPLOADS = "/api/v1/uploads/"


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begin(client: Any, length: int, *, content: bytes | None = None, **values: str) -> Any:
    """Announce a file of `length` bytes, perhaps with its first ones."""
    told = metadata(**{"filename": "people.csv", "department": "credit-risk", **values})
    headers = {**TUS, "HTTP_UPLOAD_LENGTH": str(length), "HTTP_UPLOAD_METADATA": told}
    if content is None:
        return client.post(UPLOADS, **headers)
    return client.generic("POST", UPLOADS, content, content_type=BYTES, **headers)


def append(client: Any, url: str, offset: int | str, content: bytes, **headers: str) -> Any:
    asked = {**TUS, "HTTP_UPLOAD_OFFSET": str(offset), "content_type": BYTES, **headers}
    return client.generic("PATCH", url, content, **asked)


def send(client: Any, content: bytes, **values: str) -> str:
    """Send a whole file; return the upload's id."""
    return str(begin(client, len(content), content=content, **values).data["id"])
