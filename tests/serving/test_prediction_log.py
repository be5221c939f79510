"""Every answered request is in the log once, whatever dies when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.db import transaction
from rest_framework.test import APIClient

from audit.models import AuditEvent
from serving import prediction_log
from serving.models import Deployment, Prediction
from serving.runtime.spool import Spool, finished
from serving.tasks import ship_predictions
from tests.serving.artifacts import ROW
from tests.serving.test_predict import ask

Api = Callable[..., APIClient]
ROOT = Path(__file__).resolve().parents[2]


def spool_folder() -> Path:
    return Path(settings.HOME) / "spool"


def test_it_works(api_of: Api, deployment: Deployment, people: Any) -> None:
    body = ask(api_of("alice"), [ROW, {"age": 20}]).json()
    assert not Prediction.objects.exists()
    assert prediction_log.ship() == 1
    [row] = Prediction.objects.all()
    assert str(row.request_id) == body["request_id"]
    assert (row.rows, row.person_id, row.rule) == (2, people.alice.pk, "role-analyst")
    assert (row.instances, row.answers) == ([ROW, {"age": 20}], body["predictions"])
    assert row.token_id == people.alice.tokens.get().pk
    assert 0 < row.microseconds < 5_000_000
    assert list(spool_folder().iterdir()) == []


def test_a_body_over_several_lines_is_one_line(api_of: Api, deployment: Deployment) -> None:
    body = orjson.dumps({"instances": [{**ROW, "city": "a\nb"}]}, option=orjson.OPT_INDENT_2).replace(b"\n", b"\r\n")
    api_of("alice").post("/api/v1/deployments/credit-scoring/predict/", body, content_type="application/json")
    prediction_log.ship()
    assert Prediction.objects.get().instances == [{**ROW, "city": "a\nb"}]


def test_a_refused_request_is_not_in_the_log(api_of: Api, deployment: Deployment) -> None:
    ask(api_of("alice"), [{"age": "x"}])
    ask(api_of("bob"), [ROW])
    assert prediction_log.ship() == 0


def test_shipping_twice_stores_once(api_of: Api, deployment: Deployment) -> None:
    """The shipper dies after its commit and before it removes the segment."""
    alice = api_of("alice")
    for _ in range(3):
        ask(alice, [ROW])
    [segment] = spool_folder().iterdir()
    kept = segment.read_bytes()
    assert prediction_log.ship() == 3
    (spool_folder() / "again.jsonl").write_bytes(kept)
    assert prediction_log.ship() == 0
    assert Prediction.objects.count() == 3
    assert list(spool_folder().iterdir()) == [], "what is known is neither kept nor reported as refused"
    assert AuditEvent.objects.filter(verb="deployment.predict").count() == 1


def test_a_shipper_that_dies_before_its_commit_loses_nothing(
    api_of: Api, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(api_of("alice"), [ROW])
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt), transaction.atomic():
        broken.setattr(prediction_log, "_audit", _die)
        prediction_log.ship()
    assert Prediction.objects.count() == 0
    assert ship_predictions() == 1
    assert Prediction.objects.count() == 1


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


WRITER = """
import sys, time
sys.path[:0] = ["platform", "."]
from pathlib import Path
from serving.runtime.spool import Spool
spool = Spool(Path(sys.argv[1]))
for line in sys.stdin:
    spool.append(line.strip().encode())
    print("logged", flush=True)
"""


def test_a_killed_process_loses_no_line(api_of: Api, deployment: Deployment) -> None:
    ask(api_of("alice"), [ROW])
    prediction_log._spools[spool_folder()].rotate()
    [segment] = spool_folder().iterdir()
    line = segment.read_bytes()
    segment.unlink()
    command = [sys.executable, "-c", WRITER, str(spool_folder())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdin.write(line)
        writer.stdin.flush()
        assert writer.stdout.readline() == b"logged\n"
        assert prediction_log.ship() == 0, "a segment that is being written is left alone"
        os.kill(writer.pid, signal.SIGKILL)
    assert prediction_log.ship() == 1
    assert prediction_log.ship() == 0


def test_a_torn_last_line_is_left_out(api_of: Api, deployment: Deployment) -> None:
    ask(api_of("alice"), [ROW])
    prediction_log._spools[spool_folder()].rotate()
    [segment] = spool_folder().iterdir()
    segment.write_bytes(segment.read_bytes() + b'{"request_id": "torn')
    assert prediction_log.ship() == 1


def test_a_deleted_deployment_takes_its_lines_with_it(api_of: Api, deployment: Deployment) -> None:
    ask(api_of("alice"), [ROW])
    deployment.delete()
    assert prediction_log.ship() == 0
    assert list(spool_folder().iterdir()) == []


def test_a_line_that_the_database_refuses_holds_up_no_other(api_of: Api, deployment: Deployment) -> None:
    for _ in range(3):
        ask(api_of("alice"), [ROW])
    prediction_log._spools[spool_folder()].rotate()
    [segment] = spool_folder().iterdir()
    first, *rest = [orjson.loads(line) for line in segment.read_bytes().splitlines()]
    first["microseconds"] = -1
    segment.write_bytes(b"".join(orjson.dumps(entry) + b"\n" for entry in [first, *rest]))
    assert prediction_log.ship() == 2
    assert first["request_id"] in (spool_folder() / prediction_log.REJECTED).read_text()


def test_where_it_cannot_be_logged_nothing_is_answered(
    api_of: Api, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        response = ask(api_of("alice"), [ROW])
    assert (response.status_code, response.json()["code"]) == (503, "log_unavailable")
    assert "No space left" in response.json()["detail"]
    assert ask(api_of("alice"), [ROW]).status_code == 200


def test_the_audit_has_who_what_and_how_often(api_of: Api, deployment: Deployment, people: Any) -> None:
    alice, mona = api_of("alice"), api_of("mona")
    for _ in range(3):
        ask(alice, [ROW, ROW])
    ask(mona, [ROW])
    prediction_log.ship()
    events = {event.actor_name: event for event in AuditEvent.objects.filter(verb="deployment.predict")}
    assert events["alice"].details == {"calls": 3, "rows": 6}
    assert (events["alice"].rule, events["mona"].rule) == ("role-analyst", "role-manager")
    assert (events["alice"].actor_id, events["alice"].object_name) == (people.alice.pk, "credit-scoring")
    assert (events["alice"].address, events["alice"].version) == ("127.0.0.1", "1")
    assert "Lyon" not in str(events["alice"].details), "the audit holds no values of rows"


def test_two_collectors_do_not_share_a_segment(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    spool.append(b"{}")
    spool.rotate()
    first = finished(folder)
    assert len([next(first)]) == 1
    assert list(finished(folder)) == []
    first.close()
    assert len(list(finished(folder))) == 1
