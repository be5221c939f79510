"""What people do with sources: typed verbs, one transaction each, recorded. No record ever holds a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets import storage
from datasets.connectors import CONNECTORS
from datasets.connectors._base import Connector, ForeignTable
from datasets.connectors._guard import Allowance
from datasets.models import ConnectAllowance, Source
from departments.access import Actor, Verb, require, require_in
from departments.models import Department
from jobs.models import Job
from jobs.services import enqueue
from plugins.params import ParamError, validate_params
from rest.problems import Refused, invalid
from rest.secrets import is_current, seal, unseal

MAX_NAME = 120


def create_source(
    *,
    actor: Actor,
    department: Department,
    name: str,
    connector: str,
    params: Mapping[str, Any],
    file: File | None = None,
) -> Source:
    """Keep a connection of a department; a job then checks it and looks around in it.

    `params` holds the connector's parameters and secrets; the secrets are sealed and cannot be read again.
    """
    require_in(actor, Verb.CREATE, department)
    declared = _declared(connector)
    open_params, secrets = _split(declared, params)
    source = Source(
        department=department, name=_checked_name(name), connector=declared.name, params=open_params,
        sealed=_sealed(secrets), created_by_id=actor.person_id,
    )  # fmt: skip
    _take_file(source, declared, file)
    with transaction.atomic():
        _save(source)
        record("source.create", source, details={"connector": declared.name, "place": source.place})
        look_around(actor=actor, source=source)
    return source


@transaction.atomic
def update_source(
    *, actor: Actor, source: Source, name: str | None = None, params: Mapping[str, Any] | None = None
) -> Source:
    """Rename a source, or change its parameters. A secret that is not given, or empty, stays as it is.

    To point a source elsewhere, its secrets must be given again: nobody can send a colleague's password to a host of
    their own.
    """
    require(actor, Verb.EDIT, source)
    details: dict[str, Any] = {}
    if name is not None:
        source.name = _checked_name(name)
    if params is not None:
        details = _change_params(source, params)
    _save(source)
    record("source.update", source, details=details)
    if params is not None:
        look_around(actor=actor, source=source)
    return source


def _change_params(source: Source, params: Mapping[str, Any]) -> dict[str, Any]:
    declared = source.declared
    given = {key: value for key, value in params.items() if key not in declared.secrets or value not in (None, "")}
    replaced = sorted(key for key in given if key in declared.secrets)
    kept = json.loads(unseal(source.sealed)) if source.sealed else {}
    open_params, _same = _split(declared, {**source.params, **kept, **given})
    moved = sorted(key for key, value in open_params.items() if source.params.get(key) != value)
    again = [key for key in kept if key not in replaced]
    if moved and again:
        message = _("enter it again, because other settings of the connection changed")
        detail = _("The stored secrets are kept only for the connection that they were entered for.")
        errors = [{"field": f"params.{key}", "message": message} for key in again]
        raise Refused("secret_needed", detail, status=422, errors=errors)
    source.params = open_params
    if replaced or (source.sealed and not is_current(source.sealed)):
        source.sealed = _sealed({**kept, **{key: given[key] for key in replaced}})
    source.checked, source.checked_at = None, None
    return {"changed": moved, "secrets_replaced": replaced}


@transaction.atomic
def delete_source(*, actor: Actor, source: Source) -> None:
    """Forget a source with its secrets; refused while a data set is kept up from it."""
    require(actor, Verb.EDIT, source)
    record("source.delete", source, details={"connector": source.connector})
    try:
        source.delete()
    except models.ProtectedError:
        names = ", ".join(str(feed.dataset) for feed in source.feeds.select_related("dataset")[:5])
        detail = _("These data sets are kept up from it: %s. Detach them from the source first.") % names
        raise Refused("in_use", detail) from None
    if source.file_key and not Source.objects.filter(file_key=source.file_key).exists():
        transaction.on_commit(lambda: storage.discard([source.file_key]))


@transaction.atomic
def look_around(*, actor: Actor, source: Source) -> Job:
    """Queue the job that checks the connection and finds out what can be read."""
    require(actor, Verb.CREATE, source)
    payload = {"source": str(source.pk)}
    job = enqueue("datasets.look_around", actor=actor, department=source.department, payload=payload, about=source)
    source.job = job
    source.save(update_fields=["job"])
    return job


def keep_check(source: Source, checked: dict[str, Any], tables: list[ForeignTable] | None) -> None:
    """Keep what the job found. Called inside its effect."""
    now = timezone.now()
    found: dict[str, Any] = {"checked": checked, "checked_at": now}
    if tables is not None:
        found |= {"tables": [_as_json(table) for table in tables], "discovered_at": now}
    Source.objects.filter(pk=source.pk).update(**found)
    record("source.check", source, details={"ok": checked["ok"], "code": checked["code"]})


def _as_json(table: ForeignTable) -> dict[str, Any]:
    columns = [
        {"name": each.name, "type": each.type, "native": each.native, "is_key": each.is_key} for each in table.columns
    ]
    return {"name": table.name, "kind": table.kind, "rows": table.rows, "size": table.size, "columns": columns}


def _declared(name: str) -> Connector:
    if name not in CONNECTORS:
        raise invalid("connector", _("choose from %s") % ", ".join(CONNECTORS.names()))
    return CONNECTORS[name]


def _split(declared: Connector, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The validated parameters and, apart from them, the secrets."""
    if not isinstance(params, Mapping):
        raise invalid("params", _("expected an object"))
    try:
        values = validate_params(declared.params, params)
    except ParamError as error:
        raise invalid(f"params.{error.field}", error.message) from None
    for param in declared.params:
        if not param.optional and values[param.name] == "":
            raise invalid(f"params.{param.name}", _("needs a value"))
    secrets = {name: str(values.pop(name)) for name in declared.secrets if values[name]}
    return {key: value for key, value in values.items() if key not in declared.secrets}, secrets


def _sealed(secrets: Mapping[str, str]) -> str:
    return seal(json.dumps(dict(secrets))) if secrets else ""


def _take_file(source: Source, declared: Connector, file: File | None) -> None:
    if file is not None and not declared.takes_file:
        raise invalid("file", _("this kind of source takes no file"))
    if file is not None:
        # Apart from versions' files: either may be deleted without a look at the other.
        source.file_key, source.file_name = storage.keep(file, "databases").key, (file.name or "file")[:255]


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise invalid("name", _("a source needs a name of 1 to %d characters") % MAX_NAME)
    return name


def _save(source: Source) -> None:
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        detail = _("The department has another source called “%s”.") % source.name
        raise Refused("name_taken", detail, errors=[{"field": "name", "message": _("this name is taken")}]) from None


@transaction.atomic
def allow(*, entry: str, note: str = "", created_by_id: Any = None) -> ConnectAllowance:
    """Let sources reach a host or network that is not public. For platform admins; their page asks who it is."""
    try:
        Allowance.parse(entry)
    except ValueError as error:
        raise invalid("entry", str(error)) from None
    made, is_new = ConnectAllowance.objects.get_or_create(
        entry=entry.strip().lower(), defaults={"note": note.strip(), "created_by_id": created_by_id}
    )
    if not is_new:
        raise invalid("entry", _("it is allowed already"))
    record("connection.allow", made, details={"entry": made.entry})
    return made


@transaction.atomic
def disallow(*, allowance: ConnectAllowance) -> None:
    """Take an allowance back; from the next connection on it counts no more."""
    record("connection.disallow", allowance, details={"entry": allowance.entry})
    allowance.delete()


def reseal() -> int:
    """Seal what an earlier secret key sealed with the present one; return how many sources that were."""
    done = 0
    for pk in Source.objects.exclude(sealed="").values_list("pk", flat=True):
        with transaction.atomic():
            source = Source.objects.select_for_update().get(pk=pk)
            if not is_current(source.sealed):
                source.sealed = seal(unseal(source.sealed))
                source.save(update_fields=["sealed"])
                done += 1
    return done
