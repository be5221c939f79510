"""Uploading a file over REST: who may, what comes of it, and what is said when it cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset
from datasets.tasks import settle
from jobs.testing import run_pending
from tests.datasets.uploads import PEOPLE_CSV, post_dataset, upload

Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db


def ready(client: APIClient, content: bytes = PEOPLE_CSV, **fields: Any) -> Any:
    """Upload, let the job run, and return the data set as the API shows it."""
    response = post_dataset(client, content, **fields)
    assert response.status_code == 201, response.content
    run_pending()
    return client.get(f"/api/v1/datasets/{response.data['id']}/").data


def test_it_works(api_of: Api) -> None:
    alice = api_of("alice")
    made = post_dataset(alice)
    assert made.status_code == 201
    assert made.data["version"]["state"] == "ingesting" and made.data["job"]
    assert made.data["department"] == "credit-risk" and made.data["created_by"] == "alice"
    run_pending()
    version = alice.get(made.data["version"]["url"]).data
    assert version["state"] == "ready", version["error"]
    assert (version["rows"], version["columns"], version["rejected_rows"]) == (3, 4, 0)
    assert version["source_sha256"] == hashlib.sha256(PEOPLE_CSV).hexdigest()
    types = {column["name"]: column["type"] for column in version["schema"]}
    assert types == {"name": "text", "age": "integer", "income": "number", "member": "boolean"}


def test_the_stored_table_is_the_one_that_its_hash_names(api_of: Api) -> None:
    """A version's hash is that of its parts' hashes, one after another; a small table has one part."""
    alice = api_of("alice")
    dataset = ready(alice)
    response = alice.get(f"/api/v1/datasets/{dataset['id']}/versions/1/download/?as=parquet")
    part = hashlib.sha256(b"".join(response.streaming_content)).digest()
    assert hashlib.sha256(part).hexdigest() == dataset["version"]["sha256"]


def test_rows_are_read_in_pages_sorted_and_filtered(api_of: Api) -> None:
    alice = api_of("alice")
    url = ready(alice)["version"]["url"] + "rows/"
    assert [row["name"] for row in alice.get(url + "?sort=-age").data["results"]] == ["Cy", "Ada", "Bo"]
    page = alice.get(url + "?where=age>=30&where=member=true&limit=1&offset=1").data
    assert page["total"] == 2 and page["results"] == [{"name": "Cy", "age": 51, "income": None, "member": True}]
    assert alice.get(url + "?where=income is missing").data["total"] == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=1001", "offset=-1", "sort=nope", "where=nope=1", "where=age=old", "where=age",
     "where=age<99999999999999999999", "where=member=perhaps", "offset=99999999999999999999"],
)  # fmt: skip
def test_a_page_that_cannot_be_asked_for_is_422(api_of: Api, query: str) -> None:
    alice = api_of("alice")
    response = alice.get(ready(alice)["version"]["url"] + "rows/?" + query)
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


def test_colleague_may_read(api_of: Api) -> None:
    dataset = ready(api_of("alice"))
    bob = api_of("bob", scopes=["read"])
    assert bob.get(f"/api/v1/datasets/{dataset['id']}/").status_code == 200
    for part in ("rows/", "profile/", "rejects/", "download/"):
        assert bob.get(dataset["version"]["url"] + part).status_code == 200, part


def test_viewer_who_uploads_gets_403_with_the_rule(api_of: Api) -> None:
    response = post_dataset(api_of("bob"))
    assert response.status_code == 403 and response.json()["code"] == "role-viewer"
    assert not Dataset.objects.exists()


def test_stranger_gets_404(api_of: Api) -> None:
    dataset = ready(api_of("alice"))
    for name in ("charlie", "mallory"):
        stranger = api_of(name)
        assert post_dataset(stranger, name="Other").status_code == 404
        for part in ("", "rows/", "profile/", "rejects/", "download/"):
            assert stranger.get(dataset["version"]["url"] + part).status_code == 404, part


def test_platform_admin_sees_that_it_exists_but_no_rows(api_of: Api) -> None:
    dataset = ready(api_of("alice"))
    erin = api_of("erin")
    assert erin.get(f"/api/v1/datasets/{dataset['id']}/").status_code == 200
    for part in ("rows/", "profile/", "rejects/", "download/"):
        response = erin.get(dataset["version"]["url"] + part)
        assert response.status_code == 403 and response.json()["code"] == "platform-admin", part


def test_discoverable_shows_the_schema_and_no_values(api_of: Api, people: Any, departments: Any) -> None:
    from departments.services import create_grant

    dataset = ready(api_of("alice"))
    create_grant(obj=Dataset.objects.get(), department=departments.clinic, verbs=["discover"], created_by=people.mona)
    dana = api_of("dana")
    seen = dana.get(f"/api/v1/datasets/{dataset['id']}/").data
    assert seen["relation"] == "discoverable" and seen["version"]["schema"]
    for part in ("rows/", "profile/", "rejects/", "download/"):
        response = dana.get(dataset["version"]["url"] + part)
        assert response.status_code == 403 and response.json()["code"] == "grant-verbs", part


def test_every_read_of_rows_is_recorded(api_of: Api) -> None:
    alice = api_of("alice")
    url = ready(alice)["version"]["url"]
    AuditEvent.objects.all().delete()
    for part in ("rows/", "profile/", "rejects/", "download/"):
        alice.get(url + part)
    events = list(AuditEvent.objects.order_by("created_at").values_list("verb", "rule", "version"))
    verbs = ["dataset.rows", "dataset.profile", "dataset.rejects", "dataset.download"]
    assert events == [(verb, "role-analyst", "1") for verb in verbs]


def test_rejected_lines_are_kept_and_downloadable(api_of: Api) -> None:
    alice = api_of("alice")
    version = ready(alice, b"a,b\n1,2\n3\n=cmd(),5,6\n7,8\n")["version"]
    assert (version["rows"], version["rejected_rows"]) == (2, 2)
    text = b"".join(alice.get(version["url"] + "rejects/").streaming_content).decode()
    assert text.splitlines()[1:] == [
        "3,,has 1 field where the table has 2,3",
        '4,,has 3 fields where the table has 2,"\'=cmd(),5,6"',
    ]


def test_a_second_file_makes_a_second_version(api_of: Api) -> None:
    alice = api_of("alice")
    dataset = ready(alice)
    url = f"/api/v1/datasets/{dataset['id']}/versions/"
    made = alice.post(url, {"file": upload(b"name,age\nDi,4\n")}, format="multipart")
    assert made.status_code == 201 and made.data["number"] == 2
    run_pending()
    assert [v["number"] for v in alice.get(url).data["results"]] == [2, 1]
    assert alice.get(f"{url}1/").data["sha256"] == dataset["version"]["sha256"]
    assert api_of("bob").post(url, {"file": upload()}, format="multipart").status_code == 403


def test_options_change_how_a_file_is_read(api_of: Api) -> None:
    alice = api_of("alice")
    dataset = ready(alice, b"code\n1\n2\n", options='{"types": {"code": "text"}}')
    assert dataset["version"]["schema"] == [{"name": "code", "type": "text"}]
    refused = post_dataset(alice, name="Other", options='{"delimiter": "banana"}')
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "options.delimiter"


BAD = {
    "header_only": b"a,b\n",
    "broken_quotes": b'a,b\n1,"x\n2,y\n',
    "binary_file": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "no_row_fits": b"a,b,c\n1,2\n3,4\n",
    "too_many_columns": b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b"1," * 99_999 + b"1\n",
}


@pytest.mark.parametrize("code", BAD)
def test_a_file_that_cannot_be_read_says_what_to_do_and_is_kept(api_of: Api, code: str) -> None:
    alice = api_of("alice")
    version = ready(alice, BAD[code])["version"]
    assert version["state"] == "failed" and version["error"]["code"] == code
    assert version["error"]["detail"] and version["error"]["hint"]
    assert version["source_sha256"] == hashlib.sha256(BAD[code]).hexdigest()
    from django.core.files.storage import default_storage

    key = Dataset.objects.get().versions.get().source_key
    assert default_storage.open(key).read() == BAD[code]
    assert alice.get(version["url"] + "rows/").status_code == 409


def test_an_empty_file_is_refused_at_once(api_of: Api) -> None:
    response = post_dataset(api_of("alice"), b"")
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == "file"


def test_a_failed_file_can_be_read_again_with_other_options(api_of: Api) -> None:
    alice = api_of("alice")
    dataset = ready(alice, BAD["broken_quotes"])
    body = {"source_version": 1, "options": {"broken_quotes": "reject"}}
    made = alice.post(f"/api/v1/datasets/{dataset['id']}/versions/", body, format="json")
    assert made.status_code == 201, made.content
    run_pending()
    version = alice.get(made.data["url"]).data
    assert (version["state"], version["rows"], version["rejected_rows"]) == ("ready", 1, 1)


def test_a_taken_name_is_409(api_of: Api) -> None:
    alice = api_of("alice")
    post_dataset(alice)
    response = post_dataset(alice)
    assert response.status_code == 409 and response.json()["errors"][0]["field"] == "name"


def test_rename_and_delete(api_of: Api) -> None:
    alice, mona = api_of("alice"), api_of("mona")
    url = f"/api/v1/datasets/{ready(alice)['id']}/"
    etag = alice.get(url)["ETag"]
    assert alice.patch(url, {"name": "Folk"}, format="json", HTTP_IF_MATCH=etag).data["name"] == "Folk"
    assert alice.patch(url, {"name": "X"}, format="json", HTTP_IF_MATCH=etag).status_code == 412
    assert alice.delete(url).status_code == 403
    assert mona.delete(url).status_code == 204
    assert alice.get(url).status_code == 404


def test_the_same_key_makes_one_data_set(api_of: Api) -> None:
    alice = api_of("alice")
    alice.defaults["HTTP_IDEMPOTENCY_KEY"] = "once"
    first, second = post_dataset(alice), post_dataset(alice)
    assert first.data["id"] == second.data["id"] and Dataset.objects.count() == 1


def test_a_workbook_becomes_a_version(api_of: Api) -> None:
    from tests.datasets.test_read_excel import PEOPLE, TYPES, xlsx

    alice = api_of("alice")
    content = xlsx([["notes"], ["x"]], PEOPLE)
    version = ready(alice, content, filename="people.xlsx", options='{"sheet": "Sheet 2"}')["version"]
    assert version["state"] == "ready" and (version["rows"], version["rejected_rows"]) == (3, 0)
    assert {column["name"]: column["type"] for column in version["schema"]} == TYPES
    assert version["source_sha256"] == hashlib.sha256(content).hexdigest() and version["options"]["sheet"] == "Sheet 2"
    assert alice.get(version["url"] + "rows/").data["results"][0]["born"] in ("1988-12-10", date(1988, 12, 10))
    refused = post_dataset(alice, content, name="Other", filename="people.xlsx", options='{"delimiter": "comma"}')
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "options.delimiter"


@pytest.mark.parametrize("code", ["out_of_memory", "out_of_time", "attempts_used_up"])
def test_a_reading_that_was_cut_short_says_what_to_do_about_the_file(api_of: Api, code: str) -> None:
    from jobs.models import Job, JobState

    alice = api_of("alice")
    made = post_dataset(alice)
    job = Job.objects.get(pk=made.data["job"])
    job.state, job.error = JobState.FAILED, {"code": code, "detail": "It took too much.", "hint": "A smaller batch."}
    job.save()
    settle(job)
    error = alice.get(made.data["version"]["url"]).data["error"]
    assert error["detail"] == "It took too much." and "file" in error["hint"].lower() and "CSV" in error["hint"]


def test_every_format_becomes_a_version_packed_or_not(api_of: Api) -> None:
    import gzip

    from datasets.ingestion.opening import FORMATS
    from tests.conformance.test_formats import ROWS, TYPES, WRITERS

    alice = api_of("alice")
    for fmt in FORMATS:
        content, name = gzip.compress(WRITERS[fmt.name](ROWS)), f"{fmt.name}{fmt.suffixes[0]}.gz"
        version = ready(alice, content, filename=name, name=fmt.name)["version"]
        assert version["state"] == "ready", (fmt.name, version["error"])
        assert {column["name"]: column["type"] for column in version["schema"]} == TYPES
        assert version["options"]["format"] == fmt.name
        assert version["source_sha256"] == hashlib.sha256(content).hexdigest()
