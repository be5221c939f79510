"""The words that plug-ins declare. Plug-ins are plain Python and mark nothing for translation; pages translate what they show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.starting_points._base import StartingPoint

HEAD = '''"""Words that plug-ins declare, listed for the translation tools. Written by `manage.py messages`; do not edit."""

# fmt: off
# ruff: noqa: E501
from django.utils.translation import gettext_noop

'''


def declared_words() -> list[str]:
    """Labels, help and parameters of every registered plug-in, and of the presets, in a stable order."""
    from datasets.connectors import CONNECTORS
    from datasets.ingestion.opening import COMMON, FORMATS
    from datasets.masks._base import MASKS
    from datasets.personal_data import KINDS
    from datasets.steps._base import GROUPS, STEPS
    from training.engine.family import FAMILIES
    from training.engine.presets import PRESETS
    from training.starting_points import STARTING_POINTS
    from training.starting_points._base import FIELDS

    declared: tuple[Iterable[Any], ...] = (FAMILIES, STEPS, FORMATS, CONNECTORS, MASKS, KINDS, PRESETS.values())
    words = {word for plugins in declared for word in _words(plugins)}
    words |= {word for param in COMMON for word in (param.title, param.help)}
    words |= {word for point in STARTING_POINTS for word in _words_of_use(point)}
    return sorted({*words, *GROUPS, *FIELDS} - {""})


def _words(plugins: Iterable[Any]) -> Iterator[str]:
    for plugin in plugins:
        yield from (text for name in ("label", "help") if (text := getattr(plugin, name, "")))
        for param in getattr(plugin, "params", ()):
            yield from (param.title, param.help)


def _words_of_use(point: StartingPoint) -> Iterator[str]:
    yield from (point.label, point.help, point.question, point.example_name, point.example_help)
    yield from (column.help for column in point.asked)
    for part in point.explanation:
        yield from (part.title, part.text)
    if point.costs:
        yield from (point.costs.event, point.costs.unit)


def as_module() -> str:
    """The words as a module that the translation tools can read."""
    lines = [f"gettext_noop({json.dumps(word, ensure_ascii=False)})" for word in declared_words()]
    return HEAD + "\n".join(lines) + "\n"
