"""What the pages load: vendored as it was published, and nothing that the content security policy refuses."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "manifest.json").read_text())["packages"]
FILES = [file for package in PACKAGES for file in package["files"]]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OWN_JS = sorted((ROOT / "static" / "js").glob("*.js"))
ICONS = set(re.findall(r"\.(ti-[a-z0-9-]+):before", (VENDOR / "tabler-icons/tabler-icons.min.css").read_text()))


@pytest.mark.parametrize("file", FILES, ids=[file["path"] for file in FILES])
def test_vendored_file_is_the_one_in_the_manifest(file: dict[str, str]) -> None:
    assert hashlib.sha256((VENDOR / file["path"]).read_bytes()).hexdigest() == file["sha256"]


@pytest.mark.parametrize("path", sorted(VENDOR.rglob("*.gz")), ids=lambda path: path.name)
def test_compressed_file_holds_its_original(path: Path) -> None:
    assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()


def test_every_vendored_file_is_in_the_manifest() -> None:
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert there - {"manifest.json"} == {file["path"] for file in FILES}


@pytest.mark.parametrize("package", PACKAGES, ids=[package["name"] for package in PACKAGES])
def test_package_says_name_version_and_licence(package: dict[str, str]) -> None:
    assert package["name"] and re.fullmatch(r"\d+\.\d+\.\d+", package["version"]) and package["licence"]


@pytest.mark.parametrize("template", TEMPLATES, ids=[str(t.relative_to(ROOT)) for t in TEMPLATES])
def test_template_keeps_to_the_content_security_policy(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle\s*=\s*[\"']", text), "an inline style; use a class, <progress> or an SVG attribute"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "an inline event handler; use data-* and static/js"
    assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))[^>]*>", text), "an inline script"
    assert "<style" not in text
    assert not re.search(r"(src|href)=[\"'](https?:)?//", text.replace("http://www.w3.org", "")), "loads from elsewhere"


@pytest.mark.parametrize("path", [*TEMPLATES, *OWN_JS], ids=lambda path: str(path.relative_to(ROOT)))
def test_icons_exist(path: Path) -> None:
    used = set(re.findall(r"\bti-[a-z0-9-]+[a-z0-9]", path.read_text()))
    used |= {
        f"ti-{name}"
        for name in re.findall(
            r"<c-(?:icon|empty|event|note|rail-link)[^>]*?(?<!:)\b(?:icon|name)=\"([a-z0-9-]+)\"", path.read_text()
        )
    }
    assert used <= ICONS, f"no such icon: {sorted(used - ICONS)}"


def test_states_have_icons() -> None:
    from rest.templatetags.looks import LOOKS

    assert {f"ti-{look.icon}" for look in LOOKS.values()} <= ICONS
