"""From a stored source to what a connector is given. Only a job's own process opens connections with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings

from datasets import storage
from datasets.connectors._base import Config
from datasets.connectors._guard import Guard
from datasets.sources.models import ConnectAllowance, Source
from rest.secrets import unseal


def guard() -> Guard:
    """What the platform admin allows, as it is now."""
    return Guard.of([*settings.CONNECT_ALLOW, *ConnectAllowance.objects.values_list("entry", flat=True)])


@contextmanager
def opened(source: Source, workdir: Path) -> Iterator[Config]:
    """Within the block, the source's parameters with its secrets in the clear and its file at hand."""
    values = {**source.params, **dict.fromkeys(source.declared.secrets)}
    if source.sealed:
        values |= json.loads(unseal(source.sealed))
    with ExitStack() as stack:
        file = stack.enter_context(storage.local(source.file_key)) if source.file_key else None
        yield Config(
            values, guard(), workdir, file=file, folders=tuple(Path(each) for each in settings.CONNECT_FOLDERS),
            max_bytes=settings.UPLOAD_MAX_BYTES, seconds=settings.CONNECT_SECONDS,
        )  # fmt: skip
