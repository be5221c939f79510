"""Between the import page's fields and the object of reading options that the API knows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from datasets.ingestion.opening import COMMON, FORMATS, params_for
from datasets.ingestion.readings import MISSING
from datasets.schema import TYPES
from plugins.params import Param, ParamError

PREFIX, TYPE_PREFIX = "options.", "types."
# What stands for "find out": the field then says what was found.
FINDING_OUT = ("detect", None)


@dataclass(frozen=True, slots=True)
class Field:
    """One option on the page: what is chosen, what was found where nothing is, and what is wrong with the choice."""

    param: Param
    value: Any
    note: str
    error: str

    @property
    def is_rare(self) -> bool:
        """Nothing is found out about it, so that few need to look at it."""
        return self.param.default not in FINDING_OUT

    @property
    def is_changed(self) -> bool:
        return bool(self.error) or self.value != self.param.default


def from_form(data: QueryDict) -> dict[str, Any]:
    """The options that a submitted page names: those that differ from their defaults.

    `shown` names the format whose fields the page had and `was` the choice of a format under which it had them: when
    that changes, the fields of the old format mean nothing.
    """
    chosen, shown = data.get(f"{PREFIX}format", ""), data.get("shown", "")
    same = chosen == data.get("was", "") and shown in FORMATS
    options: dict[str, Any] = {"format": chosen} if chosen else {}
    for param in params_for(shown) if same else COMMON:
        value = _value(param, data.get(PREFIX + param.name, param.default))
        if value != param.default:
            options[param.name] = value
    types = {key.removeprefix(TYPE_PREFIX): data.get(key) for key in data if key.startswith(TYPE_PREFIX)}
    if named := {name: kind for name, kind in types.items() if kind in TYPES}:
        options["types"] = named
    if "missing" in data and set(missing := _missing(data)) != set(MISSING):
        options["missing"] = missing
    return options


def _value(param: Param, given: Any) -> Any:
    """The value in its parameter's type; one that does not fit stays as it is, and reading it says why."""
    try:
        return param.validate(given)
    except ParamError:
        return given


def _missing(data: QueryDict) -> list[str]:
    spellings = [line.strip() for line in data.get("missing", "").splitlines() if line.strip()]
    return [*([""] if data.get("missing.empty") else []), *dict.fromkeys(spellings)]


def fields(name: str, options: dict[str, Any], answer: dict[str, Any]) -> list[Field]:
    """The fields of a format, with what the preview's answer found and what it refused."""
    found, choices = answer.get("options", {}), answer.get("choices", {})
    problem = answer.get("error") or {}
    made = []
    for param in params_for(name) if name in FORMATS else COMMON:
        value = options.get(param.name, param.default)
        was = found.get(param.name)
        note = _("Found: %s") % was if value in FINDING_OUT and was not in FINDING_OUT else ""
        error = problem["detail"] if problem.get("field") == PREFIX + param.name else ""
        made.append(Field(_among(param, choices.get(param.name, [])), value, note, error))
    return made


def _among(param: Param, choices: list[str]) -> Param:
    """The parameter as a choice, where the file says between what: the sheets of a workbook."""
    return replace(param, kind="choice", choices=tuple(choices)) if choices else param


def missing_of(options: dict[str, Any]) -> dict[str, Any]:
    """The spellings of a missing value as the page edits them."""
    spellings = options.get("missing", MISSING)
    return {"text": "\n".join(text for text in spellings if text), "empty": "" in spellings}


def in_words(options: dict[str, Any]) -> list[str]:
    """What a version was read with, for people: format, its own options that say something, types that were asked for."""
    if not options:
        return []
    name = options.get("format", "")
    words = [FORMATS[name].label if name in FORMATS else name]
    for param in params_for(name) if name in FORMATS else COMMON:
        value = options.get(param.name, param.default)
        if value not in (*FINDING_OUT, param.default, "", 0):
            words.append(f"{param.title}: {str(value).replace('_', ' ')}")
    words += [f"{column}: {kind}" for column, kind in options.get("types", {}).items()]
    if "missing" in options and set(options["missing"]) != set(MISSING):
        words.append(_("Missing: %s") % ", ".join(text or _("empty") for text in options["missing"]))
    return [word for word in words if word]


def as_json(options: dict[str, Any]) -> str:
    return json.dumps(options, ensure_ascii=False)
