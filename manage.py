#!/usr/bin/env python
"""Atrium's command line: puts platform/ on the path, then hands over to Django."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Run one management command."""
    if (ROOT / "platform" / "__init__.py").exists():
        sys.exit("platform/__init__.py must not exist: it would hide Python's own platform module. Delete the file.")
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atrium.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
