"""HTML into PDF, in a process of its own: `python -m serving.reporting.pdf < page.html > page.pdf`.

WeasyPrint and what it loads would stay in a web process for good; a child takes it along when it ends. It fetches
nothing: a report holds everything that it shows.
"""

from __future__ import annotations

import subprocess
import sys

SECONDS = 60
NO_LIBRARY = 3  # exit code: the Pango library is not installed on the machine


class NotPrinted(Exception):
    """The page could not be made. `missing` says that a library of the system is not there."""

    def __init__(self, *, missing: bool) -> None:
        super().__init__("missing library" if missing else "failed")
        self.missing = missing


def printed(html: str) -> bytes:
    """The page as PDF. Raises NotPrinted."""
    command = [sys.executable, "-m", "serving.reporting.pdf"]
    try:
        done = subprocess.run(command, input=html.encode(), capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotPrinted(missing=False) from None
    if done.returncode or not done.stdout.startswith(b"%PDF"):
        raise NotPrinted(missing=done.returncode == NO_LIBRARY)
    return done.stdout


def main() -> None:
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError:
        sys.exit(NO_LIBRARY)
    page = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=URLFetcher(allowed_protocols=[]))
    sys.stdout.buffer.write(page.write_pdf())


if __name__ == "__main__":
    main()
