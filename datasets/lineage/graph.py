"""Where a thing comes from and what was made of it, from source to deployment, as the reader may see it.

Apps further on tell what they know: `lineage.contribute("training", links, {"run": describe_runs, …})`, where
`links(keys)` returns the edges that touch any of the keys, and `describe(actor, ids)` the nodes that the actor may see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from departments.access import Actor

Key = tuple[str, UUID]  # kind and id
Edge = tuple[Key, Key]  # from what was used to what was made
Wanted = Mapping[str, set[UUID]]
Links = Callable[[Wanted], Iterable[Edge]]

MOST_NODES = 120
DEPTH = 12


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: its page, its state, and one line more."""

    key: Key
    label: str
    url: str = ""
    state: str = ""
    detail: str = ""

    @property
    def kind(self) -> str:
        return self.key[0]

    @property
    def id(self) -> UUID:
        return self.key[1]


Describe = Callable[[Actor, set[UUID]], Iterable[Node]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in layers, each layer made from the ones before it, and the edges between them."""

    focus: Key
    layers: tuple[tuple[Node, ...], ...]
    edges: tuple[Edge, ...]
    is_cut: bool

    @property
    def nodes(self) -> list[Node]:
        return [node for layer in self.layers for node in layer]


_links: dict[str, Links] = {}
_kinds: dict[str, Describe] = {}


def contribute(app: str, links: Links, kinds: Mapping[str, Describe]) -> None:
    """Tell of an app's things and how they hang together."""
    _links[app] = links
    _kinds.update(kinds)


def kinds() -> list[str]:
    return sorted(_kinds)


def graph(actor: Actor, focus: Key) -> Graph | None:
    """All that `focus` was made from, and all that was made of it; None where the actor may not see it.

    What the actor may not see is left out, with whatever lies beyond it.
    """
    known = _described(actor, {focus})
    if focus not in known:
        return None
    edges: set[Edge] = set()
    for upwards in (True, False):
        _walk(actor, focus, known, edges, upwards=upwards)
    return Graph(focus, _layers(known, edges), tuple(sorted(edges)), len(known) >= MOST_NODES)


def _walk(actor: Actor, focus: Key, known: dict[Key, Node], edges: set[Edge], *, upwards: bool) -> None:
    """Follow the edges one way, a level at a time."""
    frontier = {focus}
    for _level in range(DEPTH):
        here, there = (1, 0) if upwards else (0, 1)
        found = [edge for edge in _touching(frontier) if edge[here] in frontier]
        new = {edge[there] for edge in found} - known.keys()
        shown = dict(sorted(_described(actor, new).items())[: max(0, MOST_NODES - len(known))])
        known |= shown
        edges |= {edge for edge in found if edge[there] in known}
        frontier = set(shown)
        if not frontier:
            return


def _touching(keys: set[Key]) -> Iterable[Edge]:
    wanted = _by_kind(keys)
    return (edge for links in _links.values() for edge in links(wanted))


def _described(actor: Actor, keys: set[Key]) -> dict[Key, Node]:
    return {
        node.key: node for kind, ids in _by_kind(keys).items() if kind in _kinds for node in _kinds[kind](actor, ids)
    }


def _by_kind(keys: Iterable[Key]) -> dict[str, set[UUID]]:
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for kind, id in keys:
        wanted[kind].add(id)
    return wanted


def _layers(known: Mapping[Key, Node], edges: Iterable[Edge]) -> tuple[tuple[Node, ...], ...]:
    """Every node one layer after the last of those it was made from; one that was made from nothing, just before use."""
    parents, children = defaultdict(set), defaultdict(set)
    for used, made in edges:
        parents[made].add(used)
        children[used].add(made)
    depth: dict[Key, int] = {}

    def depth_of(key: Key) -> int:
        if key not in depth:
            depth[key] = 0  # what comes back to itself is drawn once
            depth[key] = 1 + max((depth_of(each) for each in parents[key]), default=-1)
        return depth[key]

    for key in known:
        depth_of(key)
    for key in known:
        if not parents[key] and children[key]:
            depth[key] = min(depth[each] for each in children[key]) - 1
    layers = defaultdict(list)
    for key in sorted(known):
        layers[depth[key]].append(known[key])
    return tuple(tuple(layers[level]) for level in sorted(layers))
