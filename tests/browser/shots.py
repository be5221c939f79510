"""Takes a picture of every page of a running platform: `python -m tests.browser.shots FOLDER [--url URL] [--person alice]`.

Runs on the platform's own machine (it makes itself a one-time sign-in link), at 1440 and 360 px, light and dark, English and
Simplified Chinese. From every list it also opens the first object, and the tabs of that object.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("/datasets/", "/runs/", "/models/", "/deployments/", "/jobs/")
PAGES = (
    "/",
    *LISTS,
    "/datasets/new/",
    "/datasets/sources/",
    "/datasets/sources/new/",
    "/datasets/sources/new/?connector=postgresql",
    "/settings/tokens/",
    "/settings/password/",
    "/no-such-page/",
)
ADMIN_PAGES = ("/admin/", "/admin/departments/", "/admin/people/", "/admin/connections/", "/admin/audit/")
LOOKS = [(w, theme, lang) for w in (1440, 360) for theme in ("light", "dark") for lang in ("en", "zh-hans")]


def link_for(person: str) -> str:
    """The path of a one-time link."""
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atrium.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    import django

    django.setup()
    from accounts.models import User
    from accounts.services import create_sign_in_link

    return f"/sign-in/link/{create_sign_in_link(person=User.objects.get(username=person))}/"


def discover(page: Any, start: tuple[str, ...]) -> list[str]:
    """`start`, the first object of each list, and that object's tabs."""
    found = list(start)
    for path in start:
        page.goto(path)
        hrefs = page.eval_on_selector_all("main a[href]", "links => links.map(a => a.getAttribute('href'))")
        objects = [h for h in hrefs if path in LISTS and re.match(rf"^{path}[^/?]+/$", h) and not h.endswith("/new/")]
        if objects:
            found.append(objects[0])
            page.goto(objects[0])
            tabs = page.eval_on_selector_all("nav.tabs a", "links => links.map(a => a.getAttribute('href'))")
            found += [t if t.startswith("/") else objects[0] + t for t in tabs[1:]]
            links = page.eval_on_selector_all("main a[href]", "links => links.map(a => a.getAttribute('href'))")
            found += [h for h in links if re.match(r"^/(runs/new/\?dataset=|models/[^/]+/versions/\d+/$)", h)][:1]
    return list(dict.fromkeys(found))


def shoot(context: Any, folder: Path, paths: list[str], looks: list[tuple[int, str, str]]) -> None:
    page = context.new_page()
    for width, theme, language in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/")
        page.evaluate("theme => localStorage.setItem('atrium-theme', theme)", theme)
        context.add_cookies([{"name": "django_language", "value": language, "url": page.url}])
        for path in paths:
            page.goto(path, wait_until="load")
            page.wait_for_timeout(350)
            name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", path).strip("/").replace("/", "-") or "home"
            name = re.sub(r"[^\w.-]+", "_", name)
            page.screenshot(path=folder / f"{name}.{width}.{theme}.{language}.png", full_page=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default=f"http://localhost:{os.environ.get('ATRIUM_PORT', '8000')}")
    parser.add_argument("--person", default="alice")
    parser.add_argument("--only", default="", help="part of a path")
    parser.add_argument("--look", default="", help="for example 1440.light.en")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    link = link_for(asked.person)
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(base_url=asked.url)
        page = context.new_page()
        page.goto(link)
        page.click("form[action=''] button, .empty form button")
        paths = discover(page, ADMIN_PAGES if asked.person == "erin" else PAGES)
        looks = [look for look in LOOKS if not asked.look or ".".join(map(str, look)) == asked.look]
        shoot(context, asked.folder, [path for path in paths if asked.only in path], looks)
        browser.close()


if __name__ == "__main__":
    main()
