"""Asking the database who may ask what: many callers at once, in a thread, by the one decision function."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import close_old_connections
from django.http import Http404
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.authentication import CHALLENGE, UNKNOWN_TOKEN
from accounts.models import ApiToken
from accounts.services import find_tokens
from departments.access import Actor, Verb, actors_for, grants_for, require
from departments.models import Grant
from departments.quotas.services import learn
from rest.problems import Refused
from serving import snapshots
from serving.models import Deployment

Key = tuple[str, str]  # a token's digest and a deployment's name


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the database said: this token may ask this deployment, by this rule."""

    token: UUID
    actor: Actor
    rule: str
    row: Deployment


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found for each key, an Admitted or the exception that refuses it; for each deployment that exists its row
    by name, and why it answers nothing. `at` is when the asking began, by the monotonic clock: what changed since may
    not be in it."""

    at: float
    found: Mapping[Key, Admitted | Exception]
    rows: Mapping[str, tuple[Deployment, tuple[Any, ...], Refused | None]]


def verify(keys: Collection[Key]) -> Verified:
    """Decide for all keys with a handful of queries. Raises what the database raises where it does not answer."""
    at = time.monotonic()
    close_old_connections()
    tokens = find_tokens({digest for digest, _name in keys})
    rows = {row.name: row for row in snapshots.rows().filter(name__in={name for _digest, name in keys})}
    actors = actors_for(tokens.values())
    grants = {token: grants_for(actor, rows.values()) for token, actor in actors.items()}
    decided = partial(_decide, tokens, rows, actors, grants)
    for department in {row.department_id for row in rows.values()}:
        learn(department, "predictions")
    marks = snapshots.marks_of(rows.values())
    states = {name: (row, marks[row.pk], snapshots.closed(row)) for name, row in rows.items()}
    return Verified(at, {key: decided(key) for key in keys}, states)


def _decide(
    tokens: Mapping[str, ApiToken],
    rows: Mapping[str, Deployment],
    actors: Mapping[UUID, Actor],
    grants: Mapping[UUID, dict[UUID, list[Grant]]],
    key: Key,
) -> Admitted | Exception:
    token, row = tokens.get(key[0]), rows.get(key[1])
    if token is None:
        return unknown_token()
    if row is None:
        return Http404()
    actor = actors[token.pk]
    # Of the owning department's own people, grants to other departments of theirs are looked up where their role
    # does not settle it.
    known = None if row.department_id in actor.roles else grants[token.pk].get(row.grant_target[1], [])
    try:
        return Admitted(token.pk, actor, require(actor, Verb.PREDICT, row, grants=known).rule, row)
    except (Http404, Refused) as refused:
        return refused


def unknown_token() -> AuthenticationFailed:
    failed = AuthenticationFailed(UNKNOWN_TOKEN)
    failed.auth_header = CHALLENGE  # type: ignore[attr-defined]
    return failed
