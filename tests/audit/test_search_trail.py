"""The trail is searched and exported, each department's by its managers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from audit.services import record


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_a_manager_reads_the_own_department_only(
    departments: SimpleNamespace, browser_of: Callable[[str], Client]
) -> None:
    record("dataset.create", department_id=departments.credit_risk.pk)
    record("dataset.delete", department_id=departments.retail.pk)
    page = browser_of("mona").get("/departments/credit-risk/audit/")
    assert {event.verb for event, _ in page.context["events"]} == {"dataset.create"}
    assert browser_of("mona").get("/departments/retail/audit/").status_code == 404


def test_days_include_their_ends(departments: SimpleNamespace, api_of: Callable[..., APIClient]) -> None:
    event = record("dataset.create", department_id=departments.credit_risk.pk)
    mona, day = api_of("mona"), event.created_at.date().isoformat()
    find = f"/api/v1/audit/?verb=dataset.create&since={day}&until="
    assert len(mona.get(f"{find}{day}").data["results"]) == 1
    assert len(mona.get(f"{find}{event.created_at.isoformat().replace('+00:00', 'Z')}").data["results"]) == 0
    assert mona.get("/api/v1/audit/?since=yesterday").status_code in (400, 422)


def test_every_word_must_be_found(departments: SimpleNamespace, api_of: Callable[..., APIClient]) -> None:
    record("dataset.create", departments.credit_risk, department_id=departments.credit_risk.pk)
    mona = api_of("mona")
    assert len(mona.get("/api/v1/audit/?search=credit create").data["results"]) == 1
    assert len(mona.get("/api/v1/audit/?search=credit delete").data["results"]) == 0


def test_the_export_is_what_the_filters_leave(departments: SimpleNamespace, api_of: Callable[..., APIClient]) -> None:
    own = {"department_id": departments.credit_risk.pk}
    record("dataset.create", version="=1+1", details={"rows": 3}, **own)
    record("dataset.delete", **own)
    record("dataset.create", department_id=departments.retail.pk)
    mona = api_of("mona")
    rows = list(csv.DictReader(io.StringIO(body(mona.get("/api/v1/audit/export/?verb=dataset.create")))))
    assert [(row["verb"], row["version"], row["details"]) for row in rows] == [
        ("dataset.create", "'=1+1", '{"rows":3}')
    ]
    lines = body(mona.get("/api/v1/audit/export/?as=jsonl&search=dataset")).splitlines()
    assert [json.loads(line)["verb"] for line in lines] == ["dataset.create", "dataset.delete"]
    assert AuditEvent.objects.filter(verb="audit.export").count() == 2
    assert mona.get("/api/v1/audit/export/?as=xml").status_code == 422


def test_the_admin_sees_whether_the_trail_is_intact(browser_of: Callable[[str], Client]) -> None:
    from audit import chain

    record("dataset.create")
    erin = browser_of("erin")
    chain.check()
    assert "none changed, none missing" in erin.get("/admin/audit/").content.decode()
    AuditEvent.objects.update(actor_name="somebody else")
    chain.check()
    assert "the trail was changed" in erin.get("/admin/audit/").content.decode()
