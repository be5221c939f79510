"""`{% lineage "version" version.pk %}`: the graph around one object, drawn, with a table that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from datasets.lineage.graph import Graph, Key, Node, graph

register = template.Library()
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 184, 46, 48, 12, 6
WORDS: Mapping[str, str | Promise] = {
    "source": _("Source"),
    "version": _("Data set"),
    "recipe": _("Recipe"),
    "run": _("Run"),
    "model": _("Model"),
    "deployment": _("Deployment"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its place in the picture."""

    node: Node
    word: str | Promise
    x: int
    y: int
    is_focus: bool


@register.inclusion_tag("datasets/_lineage.html", takes_context=True)
def lineage(context: Mapping[str, Any], kind: str, id: UUID) -> dict[str, Any]:
    """Nothing is drawn where there is nothing but the object itself."""
    found = graph(context["request"].actor, (kind, id))
    if found is None or len(found.nodes) < 2:
        return {"boxes": []}
    return drawn(found)


def drawn(found: Graph) -> dict[str, Any]:
    """Boxes, the curves between them, and the picture's size in pixels."""
    tallest = max(len(layer) for layer in found.layers)
    boxes: dict[Key, Box] = {}
    for column, layer in enumerate(found.layers):
        top = MARGIN + (tallest - len(layer)) * (HEIGHT + DOWN) // 2
        for row, node in enumerate(layer):
            x, y = MARGIN + column * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN)
            boxes[node.key] = Box(node, WORDS.get(node.key[0], node.key[0]), x, y, node.key == found.focus)
    return {
        "boxes": list(boxes.values()),
        "curves": [_curve(boxes[used], boxes[made]) for used, made in found.edges],
        "edges": [(boxes[used].node, boxes[made].node) for used, made in found.edges],
        "width": 2 * MARGIN + len(found.layers) * (WIDTH + ACROSS) - ACROSS,
        "height": 2 * MARGIN + tallest * (HEIGHT + DOWN) - DOWN,
        "box_width": WIDTH,
        "box_height": HEIGHT,
        "is_cut": found.is_cut,
    }


def _curve(used: Box, made: Box) -> str:
    x1, y1, x2, y2 = used.x + WIDTH, used.y + HEIGHT // 2, made.x, made.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
