"""D6: quotas of CPU hours, storage and predictions: a warning at 80 %, a clear refusal at 100 %, books that can be remade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from datasets.models import Dataset, Upload
from datasets.services import create_dataset, delete_dataset
from departments.access import actor_for
from departments.models import LedgerEntry, Notice, Quota
from departments.quotas import kinds, ledger, services
from jobs import lifecycle
from jobs.models import Attempt, Job
from jobs.testing import run_pending

CSV = b"a,b\n" + b"".join(f"{i},{i % 7}\n".encode() for i in range(500))
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def nothing_known():
    services._known.clear()


@pytest.fixture
def home(departments):
    return departments.credit_risk


def limit(home, **limits):
    Quota.objects.update_or_create(department=home, defaults=limits)


def upload(people, home, name, content=CSV):
    return create_dataset(
        actor=actor_for(people.mona), department=home, name=name, file=ContentFile(content, name="a.csv")
    )


def computed(queue_job, milliseconds, number=1):
    """A job of Credit Risk that ran, computed so long and ended."""
    job = queue_job("test.nothing")
    Job.objects.filter(pk=job.pk).update(attempt=number)
    held = lifecycle.claim(job.pk, number, worker="w")
    lifecycle.renew(held, cpu_ms=milliseconds)
    lifecycle.end(held, "succeeded")
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def nothing(kind):
    kind("test.nothing")(lambda ctx: None)


def test_an_attempt_is_booked_once_by_whoever_ends_it(home, queue_job, nothing):
    job = queue_job("test.nothing")
    held = lifecycle.claim(job.pk, 1, worker="w")
    lifecycle.renew(held, cpu_ms=700)
    assert lifecycle.requeue(held, failed=True)
    assert not lifecycle.requeue(held, failed=True)
    held = lifecycle.claim(job.pk, 2, worker="w")
    lifecycle.renew(held, cpu_ms=300)
    assert ledger.used([home.pk], "cpu") == {home.pk: 1000}, "what runs counts before it is booked"
    assert lifecycle.pause(held)
    job.refresh_from_db()
    assert (job.cpu_ms, job.cpu_live_ms, job.cpu_seconds) == (1000, 0, 1.0)
    assert list(Attempt.objects.order_by("number").values_list("number", "cpu_ms")) == [(1, 700), (2, 300)]
    assert ledger.used([home.pk], "cpu") == {home.pk: 1000}


def test_the_month_turns(home, queue_job, nothing, monkeypatch):
    limit(home, cpu_hours=1)
    computed(queue_job, HOUR)
    assert services.used_up([home.pk], "cpu") == {home.pk}
    _begin, end = kinds.month_bounds()
    monkeypatch.setattr(kinds.timezone, "now", lambda: end + timedelta(seconds=1))
    assert services.used_up([home.pk], "cpu") == set()


def test_months_end_where_the_next_begin():
    begin, end = kinds.month_bounds(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (begin, end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def test_stored_bytes_are_those_of_the_files_and_equal_ones_count_once(home, people, settings):
    upload(people, home, "one")
    upload(people, home, "two", CSV + b"1,2\n")
    run_pending()
    kept = [
        path for name in ("sources", "parts") for path in (settings.HOME / "files" / name).rglob("*") if path.is_file()
    ]
    assert ledger.used([home.pk], "storage") == {home.pk: sum(path.stat().st_size for path in kept)}
    before = ledger.used([home.pk], "storage")
    upload(people, home, "the same again")
    run_pending()
    assert ledger.used([home.pk], "storage") == before
    for dataset in Dataset.objects.all():
        delete_dataset(actor=actor_for(people.mona), dataset=dataset)
    assert ledger.used([home.pk], "storage") == {home.pk: 0}


def test_the_books_equal_a_recount_and_a_recount_mends_them(home, people, queue_job, nothing):
    computed(queue_job, 1234)
    upload(people, home, "one")
    run_pending()
    call_command("quotas", "recount", "--check")
    LedgerEntry.objects.update(amount=7)
    with pytest.raises(CommandError, match="2 entries differ"):
        call_command("quotas", "recount", "--check")
    call_command("quotas", "recount")
    call_command("quotas", "recount", "--check")


def test_uploads_are_refused_before_a_byte_is_taken(home, api_of):
    limit(home, storage_bytes=1000)
    begin = {"Tus-Resumable": "1.0.0", "Upload-Length": "600", "Upload-Metadata": "filename YS5jc3Y="}
    client = api_of("alice")
    assert client.post("/api/v1/uploads/", headers=begin).status_code == 201
    refused = client.post("/api/v1/uploads/", headers=begin)
    assert (refused.status_code, refused.json()["code"]) == (403, "quota-storage")
    assert "600 B of the 1 kB" in refused.json()["detail"]
    assert "Erin" in refused.json()["detail"], "it says who can raise it"
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("name", ["cpu_hours", "storage_bytes"])
def test_imports_are_refused_at_the_limit(home, api_of, settings, name):
    limit(home, **{name: 0})
    body = {"name": "loans", "department": home.slug, "file": SimpleUploadedFile("a.csv", CSV)}
    refused = api_of("alice").post("/api/v1/datasets/", body, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (403, "quota-" + name.split("_")[0])
    assert not (settings.HOME / "files" / "sources").exists(), "no bytes were kept"


def test_predictions_are_refused_at_the_limit(home):
    limit(home, predictions=10)
    for _each in range(2):
        services.require_quickly(home.pk, "predictions", 4)
    with pytest.raises(services.UsedUp) as refused:
        services.require_quickly(home.pk, "predictions", 4)
    assert refused.value.as_problem()["code"] == "quota-predictions"
    assert refused.value.as_problem()["quota"]["limit"] == 10
    services.require_quickly(home.pk, "predictions", 2)


def test_managers_are_warned_once_at_80_percent_and_once_at_100(home, people, queue_job, nothing, mailoutbox):
    limit(home, cpu_hours=1)
    people.mona.email, people.mona.wants_mail = "mona@example.org", True
    people.mona.save()
    computed(queue_job, HOUR * 79 // 100)
    assert not Notice.objects.exists()
    for _each in range(2):
        computed(queue_job, HOUR // 100)
    told = Notice.objects.filter(person=people.mona)
    assert [each.kind for each in told] == ["quota-cpu.near"]
    assert told.get().mail_due_at is not None
    computed(queue_job, HOUR)
    assert {each.kind for each in told.all()} == {"quota-cpu.near", "quota-cpu.full"}
    assert Notice.objects.filter(person=people.erin).count() == 2
    assert not Notice.objects.filter(person=people.bob).exists()


def test_quota_over_the_api(home, api_of, people):
    admin = api_of("erin")
    path = f"/api/v1/departments/{home.slug}/quota/"
    first = admin.get(path)
    assert first.json()["cpu_hours"] is None
    assert [use["kind"] for use in first.json()["use"]] == ["cpu", "storage", "predictions"]
    changed = admin.patch(
        path, {"cpu_hours": 2.5, "predictions": 100}, format="json", headers={"If-Match": first["ETag"]}
    )
    assert (changed.status_code, changed.json()["cpu_hours"]) == (200, 2.5)
    stale = admin.patch(path, {"cpu_hours": 9}, format="json", headers={"If-Match": first["ETag"]})
    assert stale.status_code == 412
    assert admin.patch(path, {"cpu": 9}, format="json").status_code in (400, 422)
    assert admin.patch(path, {"storage_bytes": -1}, format="json").status_code in (400, 422)
    assert admin.patch(path, {"cpu_hours": None}, format="json").json()["cpu_hours"] is None
    assert api_of("mona").patch(path, {"cpu_hours": 9}, format="json").json()["code"] == "not-platform-admin"
    event = AuditEvent.objects.filter(verb="quota.set").earliest("created_at")
    assert (event.department_id, event.details["cpu_hours"]) == (home.pk, [None, 2.5])


def test_quota_in_the_browser(home, browser_of):
    admin = browser_of("erin")
    sent = {"cpu_hours": "10", "storage_gb": "2.5", "predictions": ""}
    assert admin.post(f"/departments/{home.slug}/quota/", sent).status_code == 302
    quota = Quota.objects.get(department=home)
    assert (quota.cpu_hours, quota.storage_bytes, quota.predictions) == (10, 2_500_000_000, None)
    page = browser_of("bob").get(f"/departments/{home.slug}/").content.decode()
    assert "0 of 10" in page
    assert "of 2.5 GB" in page
    assert "Set the quota" not in page
