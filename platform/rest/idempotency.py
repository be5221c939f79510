"""Idempotency-Key: the same key and body get the same answer; the same key with another body gets 422.

After the IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, cast

import orjson
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from rest.models import IdempotencyRecord
from rest.problems import Refused, invalid

KEPT = timedelta(hours=24)


class IdempotentMixin:
    """For views: POST honours Idempotency-Key. Only answers that changed something (2xx) are kept."""

    # False where an answer must not be kept, as it holds a secret: the key is then refused.
    keeps_answers = True
    _record: IdempotencyRecord | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key")
        if request.method == "POST" and key is not None:
            if not self.keeps_answers:
                raise invalid("Idempotency-Key", "this answer holds a secret, is shown once and cannot be repeated")
            self._record = self._begin(request, key)

    def _begin(self, request: Request, key: str) -> IdempotencyRecord:
        if not 0 < len(key) <= 200 or "\x00" in key:
            raise invalid("Idempotency-Key", "must have 1 to 200 characters")
        caller, mark = str(request.user.pk), self.fingerprint(request)
        IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        try:
            with transaction.atomic():
                return IdempotencyRecord.objects.create(caller=caller, key=key, fingerprint=mark)
        except IntegrityError:
            raise _Replay(self._earlier(caller, key, mark)) from None

    def fingerprint(self, request: Request) -> str:
        """What tells this request from another with the same key."""
        return fingerprint(request)

    def _earlier(self, caller: str, key: str, mark: str) -> IdempotencyRecord:
        record = IdempotencyRecord.objects.get(caller=caller, key=key)
        if record.fingerprint != mark:
            detail = "This Idempotency-Key was used with another request. Use a new key for a new request."
            raise Refused("idempotency_key_reused", detail, status=422)
        if record.status is None:
            raise Refused(
                "in_progress", "The first request with this Idempotency-Key is still being answered.", status=409
            )
        return record

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Replay):
            body = orjson.loads(bytes(exc.record.body)) if exc.record.body else None
            return Response(body, status=exc.record.status, headers={"Idempotent-Replayed": "true"})
        return super().handle_exception(exc)  # type: ignore[misc,no-any-return]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self._record is not None:
            self._keep(response)
        return response

    def _keep(self, response: Response) -> None:
        assert self._record is not None
        if 200 <= response.status_code < 300 and not getattr(response, "streaming", False):
            data = getattr(response, "data", None)
            body = orjson.dumps(data, default=str) if data is not None else b""
            IdempotencyRecord.objects.filter(pk=self._record.pk).update(status=response.status_code, body=body)
        else:
            self._record.delete()


class _Replay(Exception):
    def __init__(self, record: IdempotencyRecord) -> None:
        super().__init__("replayed")
        self.record = record


def fingerprint(request: Request) -> str:
    """SHA-256 over method, path and body; uploaded files count by name, size and content."""
    mark = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.FILES:
        for name, value in sorted(cast(QueryDict, request.data).items()):
            mark.update(f"{name}=".encode())
            _mark(mark, value)
    else:
        data = request.data.dict() if hasattr(request.data, "dict") else request.data
        mark.update(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    return mark.hexdigest()


def _mark(mark: hashlib._Hash, value: Any) -> None:
    if hasattr(value, "chunks"):
        for chunk in value.chunks():
            mark.update(chunk)
        value.seek(0)
    else:
        mark.update(str(value).encode())
