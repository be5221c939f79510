"""Reading JSON bodies: nothing that a caller sends may become a 500."""

from typing import Any, cast

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from rest.problems import Refused, invalid

MAX_BYTES = 16 * 2**20


class BoundedJSONParser(JSONParser):
    """JSON by orjson: bounded size and depth (it stops at 1,024 levels), strict UTF-8, no NaN.

    A NUL character is refused, because PostgreSQL stores none.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = cast(bytes, stream.read(MAX_BYTES + 1))
        if len(body) > MAX_BYTES:
            raise Refused("too_large", f"The body is larger than {MAX_BYTES // 2**20} MB; send fewer rows.", status=413)
        if b"\\u0000" in body:
            raise invalid("", "text may not contain the NUL character (\\u0000)")
        try:
            return orjson.loads(body) if body.strip() else {}
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from None
