"""Every word that people read is translated, and the compiled catalogue is the one that the pages load.

Nobody needs gettext to run the tests: the catalogues are read here in plain Python.
"""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

from django.utils.translation.template import templatize

from atrium.declared import as_module

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
RENEW = "run `make messages`, translate what is new in locale/zh_Hans, and run it again"


def read_po() -> dict[str, str]:
    """The catalogue's messages; a plural stands under its singular."""
    found: dict[str, str] = {}
    for block in (FOLDER / "django.po").read_text().split("\n\n"):
        parts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            match = re.match(r'(msg\w+)(?:\[0\])? (".*")$', line)
            key, text = (match[1], match[2]) if match else (key, line if line.startswith('"') else '""')
            parts[key] = parts.get(key, "") + ast.literal_eval(text)
        if parts.get("msgid"):
            found[parts["msgid"]] = parts["msgstr"]
    return found


PO = read_po()


def test_nothing_is_untranslated_or_in_doubt() -> None:
    assert not [message for message, translation in PO.items() if not translation]
    assert ", fuzzy" not in (FOLDER / "django.po").read_text()


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    stale = [message for message, translation in PO.items() if _look_up(compiled, message) != translation]
    assert not stale, f"{RENEW}: {stale[:5]}"


def _look_up(compiled: gettext.GNUTranslations, message: str) -> str:
    plain = compiled.gettext(message)
    return plain if plain != message else compiled.ngettext(message, "", 1)


def test_placeholders_survive_translation() -> None:
    def holes(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[sdg]|%[sdg]", text))

    wrong = {message: translation for message, translation in PO.items() if holes(message) - holes(translation)}
    # A plural's second form may say what the singular leaves out, never the other way round.
    assert not wrong


def test_every_word_of_the_code_is_in_the_catalogue() -> None:
    said = {message for app in ("platform", "datasets", "training", "serving") for message in _code(ROOT / app)}
    assert not said - PO.keys(), f"{RENEW}: {sorted(said - PO.keys())[:5]}"


def _code(folder: Path) -> set[str]:
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKS and node.args:
                words = getattr(node.args[0], "value", None)
                found |= {words} if isinstance(words, str) else set()
    return found


def test_every_word_of_the_templates_is_in_the_catalogue() -> None:
    said = {message for path in (ROOT / "templates").rglob("*.html") for message in _template(path)}
    assert not said - PO.keys(), f"{RENEW}: {sorted(said - PO.keys())[:5]}"


def _template(path: Path) -> set[str]:
    code = templatize(path.read_text(), origin=str(path))
    calls = re.findall(r"""\bn?gettext\(u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", code)
    return {ast.literal_eval(call) for call in calls}


def test_what_plugins_declare_is_listed_for_translation() -> None:
    assert (ROOT / "platform/atrium/declared_words.py").read_text() == as_module(), RENEW
