"""Code that calls a deployment, to copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pprint import pformat
from shlex import quote
from typing import Any


def curl(url: str, example: Mapping[str, Any]) -> str:
    body = json.dumps({"instances": [example]}, ensure_ascii=False)
    return (
        f"curl {url} \\\n"
        '  -H "Authorization: Bearer $ATRIUM_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {quote(body)}"
    )


def python(url: str, example: Mapping[str, Any]) -> str:
    instance = pformat(dict(example), sort_dicts=False, width=80).replace("\n", "\n    ")
    return (
        "import os\n\n"
        "import requests\n\n"
        "answer = requests.post(\n"
        f"    {url!r},\n"
        '    headers={"Authorization": f"Bearer {os.environ[\'ATRIUM_TOKEN\']}"},\n'
        f'    json={{"instances": [{instance}]}},\n'
        "    timeout=10,\n"
        ")\n"
        "answer.raise_for_status()\n"
        'print(answer.json()["predictions"][0])'
    )
