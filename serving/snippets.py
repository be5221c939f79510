"""Code that calls a deployment, to copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pprint import pformat
from shlex import quote
from typing import Any


def curl(url: str, example: Mapping[str, Any]) -> str:
    return curl_json(url, {"instances": [example]})


def curl_json(url: str, body: Any) -> str:
    """A POST of any JSON body."""
    return (
        f"curl {url} \\\n"
        '  -H "Authorization: Bearer $ATRIUM_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {quote(json.dumps(body, ensure_ascii=False))}"
    )


def python(url: str, example: Mapping[str, Any]) -> str:
    instance = pformat(dict(example), sort_dicts=False, width=80).replace("\n", "\n    ")
    return _python(url, f'{{"instances": [{instance}]}}', '["predictions"][0]')


def python_json(url: str, body: Any) -> str:
    """A POST of any JSON body."""
    return _python(url, pformat(body, sort_dicts=False, width=80).replace("\n", "\n    "), "")


def _python(url: str, body: str, part: str) -> str:
    return (
        "import os\n\n"
        "import requests\n\n"
        "answer = requests.post(\n"
        f"    {url!r},\n"
        '    headers={"Authorization": f"Bearer {os.environ[\'ATRIUM_TOKEN\']}"},\n'
        f"    json={body},\n"
        "    timeout=10,\n"
        ")\n"
        "answer.raise_for_status()\n"
        f"print(answer.json(){part})"
    )
