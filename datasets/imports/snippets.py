"""The import page's choices as commands: what a script would send."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from datasets.imports.source import Source


def snippets(request: HttpRequest, source: Source, options: dict[str, Any]) -> dict[str, str]:
    """The same import with curl and with Python: the file whole, with these options."""
    dataset = source.dataset
    path = reverse("api:dataset-version-list", args=[dataset.pk]) if dataset else reverse("api:dataset-list")
    url = request.build_absolute_uri(path)
    fields = {"options": json.dumps(options, ensure_ascii=False)} if options else {}
    if source.upload is not None and dataset is None:
        fields = {"name": source.filename.rsplit(".", 1)[0], "department": source.upload.department.slug, **fields}
    if source.upload is None:
        return _again(url, source, options)
    return {"curl": _curl(url, source.filename, fields), "python": _python(url, source.filename, fields, options)}


def _curl(url: str, filename: str, fields: dict[str, str]) -> str:
    parts = [f"file=@{filename}", *(f"{name}={value}" for name, value in fields.items())]
    lines = ['curl -H "Authorization: Bearer $ATRIUM_TOKEN"', *(f"  -F {shlex.quote(part)}" for part in parts)]
    return " \\\n".join([*lines, f"  {shlex.quote(url)}"])


def _python(url: str, filename: str, fields: dict[str, str], options: dict[str, Any]) -> str:
    plain = {name: value for name, value in fields.items() if name != "options"}
    data = f"{{**{plain!r}, 'options': json.dumps(options)}}" if options else repr(plain)
    return "\n".join(
        [
            "import json, os", "import httpx", "",
            *([f"options = {pformat(options, sort_dicts=False)}"] if options else []),
            f"with open({filename!r}, 'rb') as file:",
            "    answer = httpx.post(",
            f"        {url!r},",
            "        headers={'Authorization': f\"Bearer {os.environ['ATRIUM_TOKEN']}\"},",
            f"        files={{'file': file}}, data={data}, timeout=600,",
            "    )",
            "print(answer.json())",
        ]
    )  # fmt: skip


def _again(url: str, source: Source, options: dict[str, Any]) -> dict[str, str]:
    body = {"source_version": source.version.number, "options": options}  # type: ignore[union-attr]
    curl = [
        'curl -H "Authorization: Bearer $ATRIUM_TOKEN" -H "Content-Type: application/json"',
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        f"  {shlex.quote(url)}",
    ]
    python = [
        "import os", "import httpx", "",
        "answer = httpx.post(",
        f"    {url!r},",
        "    headers={'Authorization': f\"Bearer {os.environ['ATRIUM_TOKEN']}\"},",
        f"    json={pformat(body, sort_dicts=False)},",
        ")",
        "print(answer.json())",
    ]  # fmt: skip
    return {"curl": " \\\n".join(curl), "python": "\n".join(python)}
