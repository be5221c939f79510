"""The upload protocol (tus 1.0.0), request by request: what is kept, what is refused, and who sees it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset, DatasetVersion, Upload
from datasets.uploads import store as upload_store
from datasets.uploads.services import purge
from jobs.testing import run_pending
from tests.datasets.tus import BYTES, TUS, UPLOADS, append, begin, metadata, send
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db
HALF = len(PEOPLE_CSV) // 2


def test_a_file_in_two_parts_becomes_a_data_set(
    api_of: Api, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    alice = api_of("alice")
    begun = begin(alice, len(PEOPLE_CSV))
    assert begun.status_code == 201 and begun["Tus-Resumable"] == "1.0.0" and begun["Upload-Offset"] == "0"
    url = begun["Location"]
    assert append(alice, url, 0, PEOPLE_CSV[:HALF])["Upload-Offset"] == str(HALF)
    head = alice.head(url, **TUS)
    assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, str(HALF), str(len(PEOPLE_CSV)))
    assert head["Cache-Control"] == "no-store" and head["Upload-Expires"].endswith("GMT")
    assert head["Upload-Metadata"] == metadata(filename="people.csv", department="credit-risk")
    done = append(alice, url, HALF, PEOPLE_CSV[HALF:])
    assert (done.status_code, done["Upload-Offset"], done.content) == (204, str(len(PEOPLE_CSV)), b"")
    state = alice.get(url).data
    assert state["sha256"] == hashlib.sha256(PEOPLE_CSV).hexdigest()
    with django_capture_on_commit_callbacks(execute=True):
        made = alice.post("/api/v1/datasets/", {"upload": state["id"], "name": "Folk", "department": "credit-risk"})
    assert made.status_code == 201, made.content
    run_pending()
    version = alice.get(made.data["version"]["url"]).data
    assert (version["state"], version["rows"], version["source_name"]) == ("ready", 3, "people.csv")
    assert version["source_sha256"] == state["sha256"]
    assert alice.get(url).status_code == 404 and not upload_store.path_of(state["id"]).exists()


def test_the_hash_is_right_when_another_process_had_the_first_half(
    api_of: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = api_of("alice")
    url = begin(alice, len(PEOPLE_CSV), content=PEOPLE_CSV[:HALF])["Location"]
    monkeypatch.setattr(upload_store, "DIGESTS", upload_store.Digests())
    append(alice, url, HALF, PEOPLE_CSV[HALF:])
    assert alice.get(url).data["sha256"] == hashlib.sha256(PEOPLE_CSV).hexdigest()


def test_options_name_what_the_server_can_do(client: Client) -> None:
    told = client.options(UPLOADS)
    assert told.status_code == 204 and told["Tus-Version"] == "1.0.0"
    assert told["Tus-Extension"] == "creation,creation-with-upload,termination,checksum,expiration"
    assert int(told["Tus-Max-Size"]) > 0 and told["Tus-Checksum-Algorithm"] == "sha256,sha1"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_of_the_protocol_is_412(api_of: Api, method: str) -> None:
    alice = api_of("alice")
    url = UPLOADS if method == "POST" else begin(alice, 10)["Location"]
    for headers in ({}, {"HTTP_TUS_RESUMABLE": "0.2.2"}):
        answer = alice.generic(method, url, **headers)
        assert answer.status_code == 412 and answer["Tus-Version"] == "1.0.0"


def test_a_wrong_offset_is_409_and_changes_nothing(api_of: Api) -> None:
    alice = api_of("alice")
    url = begin(alice, 10, content=b"abc")["Location"]
    for offset in (0, 2, 4, 10):
        answer = append(alice, url, offset, b"xyz")
        assert answer.status_code == 409 and answer.json()["code"] == "wrong_offset"
    assert alice.head(url, **TUS)["Upload-Offset"] == "3"


def test_more_than_was_announced_is_413(api_of: Api, settings: Any) -> None:
    alice = api_of("alice")
    url = begin(alice, 10, content=b"abc")["Location"]
    assert append(alice, url, 3, b"12345678").status_code == 413
    assert alice.head(url, **TUS)["Upload-Offset"] == "3"
    settings.UPLOAD_MAX_BYTES = 1000
    assert begin(alice, 1001).status_code == 413
    assert begin(alice, 1000).status_code == 201


def test_there_must_be_room_on_the_disk(api_of: Api, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    answer = begin(api_of("alice"), 10**14)
    assert answer.status_code == 507 and answer.json()["code"] == "no_room"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_UPLOAD_LENGTH": ""}, 400),
        ({"HTTP_UPLOAD_LENGTH": "-1"}, 400),
        ({"HTTP_UPLOAD_LENGTH": "0"}, 422),
        ({"HTTP_UPLOAD_METADATA": "filename %%%"}, 400),
        ({"HTTP_UPLOAD_METADATA": "filename " + "QQ==" * 2000}, 400),
        ({"HTTP_UPLOAD_METADATA": metadata(filename="a.csv", dataset="x")}, 422),
        ({"HTTP_UPLOAD_METADATA": metadata(filename="a.csv", department="nowhere")}, 404),
        ({"HTTP_UPLOAD_METADATA": metadata(filename="a.csv", department="clinic")}, 404),
    ],
)
def test_what_cannot_be_begun(api_of: Api, headers: dict[str, str], status: int) -> None:
    given = {"HTTP_UPLOAD_LENGTH": "5", "HTTP_UPLOAD_METADATA": metadata(filename="a.csv"), **TUS, **headers}
    answer = api_of("alice").post(UPLOADS, **given)
    assert answer.status_code == status, answer.content
    assert not Upload.objects.exists()


def test_bytes_of_another_content_type_are_415(api_of: Api) -> None:
    alice = api_of("alice")
    url = begin(alice, 3)["Location"]
    answer = alice.generic("PATCH", url, b"{}", content_type="application/json", HTTP_UPLOAD_OFFSET="0", **TUS)
    assert answer.status_code == 415


def checksum(algorithm: str, content: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_that_do_not_fit_their_checksum_are_discarded(api_of: Api, algorithm: str) -> None:
    alice = api_of("alice")
    url = begin(alice, 6, content=b"abc")["Location"]
    answer = append(alice, url, 3, b"deX", HTTP_UPLOAD_CHECKSUM=checksum(algorithm, b"def"))
    assert answer.status_code == 460 and answer.json()["code"] == "checksum_mismatch"
    assert alice.head(url, **TUS)["Upload-Offset"] == "3"
    assert append(alice, url, 3, b"def", HTTP_UPLOAD_CHECKSUM=checksum(algorithm, b"def")).status_code == 204
    assert alice.get(url).data["sha256"] == hashlib.sha256(b"abcdef").hexdigest()


@pytest.mark.parametrize("header", ["md5 aaaa", "sha256", "sha256 %%"])
def test_an_unknown_checksum_is_400(api_of: Api, header: str) -> None:
    alice = api_of("alice")
    url = begin(alice, 3)["Location"]
    assert append(alice, url, 0, b"abc", HTTP_UPLOAD_CHECKSUM=header).status_code == 400


def test_while_one_request_writes_another_is_423(api_of: Api) -> None:
    alice = api_of("alice")
    begun = begin(alice, 3)
    with upload_store.locked(begun.data["id"]):
        assert append(alice, begun["Location"], 0, b"abc").status_code == 423
        assert alice.delete(begun["Location"], **TUS).status_code == 423
        assert upload_store.is_wanted(begun.data["id"])
    assert append(alice, begun["Location"], 0, b"abc").status_code == 204
    assert not upload_store.is_wanted(begun.data["id"])


def test_bytes_that_a_crash_left_unsaid_are_sent_again(api_of: Api) -> None:
    alice = api_of("alice")
    begun = begin(alice, 6, content=b"abc")
    with upload_store.path_of(begun.data["id"]).open("ab") as file:
        file.write(b"torn")
    append(alice, begun["Location"], 3, b"def")
    assert upload_store.path_of(begun.data["id"]).read_bytes() == b"abcdef"


def test_it_can_be_given_up(api_of: Api) -> None:
    alice = api_of("alice")
    begun = begin(alice, 3, content=b"a")
    assert alice.delete(begun["Location"], **TUS).status_code == 204
    assert alice.head(begun["Location"], **TUS).status_code == 404
    assert not upload_store.path_of(begun.data["id"]).exists()


def test_networks_without_patch_name_the_method_in_a_header(api_of: Api) -> None:
    alice = api_of("alice")
    url = begin(alice, 3)["Location"]
    told = {"content_type": BYTES, "HTTP_UPLOAD_OFFSET": "0", "HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH", **TUS}
    assert alice.generic("POST", url, b"abc", **told).status_code == 204
    assert alice.get(url).data["offset"] == 3


def test_an_expired_one_is_410_until_it_is_purged(api_of: Api) -> None:
    alice = api_of("alice")
    begun, kept = begin(alice, 3, content=b"a"), begin(alice, 3)
    Upload.objects.filter(pk=begun.data["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert alice.head(begun["Location"], **TUS).status_code == 410
    assert append(alice, begun["Location"], 1, b"bc").status_code == 410
    assert purge() == 1
    assert alice.head(begun["Location"], **TUS).status_code == 404
    assert not upload_store.path_of(begun.data["id"]).exists()
    assert alice.head(kept["Location"], **TUS).status_code == 200


def test_an_upload_is_its_persons_alone(api_of: Api) -> None:
    alice = api_of("alice")
    begun = begin(alice, len(PEOPLE_CSV), content=PEOPLE_CSV)
    url = begun["Location"]
    for name in ("bob", "emil", "mona", "charlie", "dana", "erin", "mallory"):
        other = api_of(name)
        assert other.get(url).status_code == 404, name
        assert append(other, url, 3, b"x").status_code == 404
        assert other.delete(url, **TUS).status_code == 404
        assert other.get(UPLOADS).data["results"] == []
        if name in ("emil", "mona"):
            asked = {"upload": begun.data["id"], "department": "credit-risk", "name": "Mine now"}
            assert other.post("/api/v1/datasets/", asked).status_code == 404
    assert [each["id"] for each in alice.get(UPLOADS).data["results"]] == [begun.data["id"]]


def test_a_viewer_does_not_upload_and_a_reading_token_neither(api_of: Api) -> None:
    refused = begin(api_of("bob"), 3)
    assert refused.status_code == 403 and refused.json()["code"] == "role-viewer"
    assert begin(api_of("alice", scopes=["read"]), 3).status_code == 403


def test_the_browsers_session_needs_its_token_against_forgery(people: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.alice, backend="django.contrib.auth.backends.ModelBackend")
    assert begin(browser, 3).status_code == 403
    browser.get("/datasets/new/")
    told = {"HTTP_X_CSRFTOKEN": browser.cookies["csrftoken"].value}
    headers = {**TUS, **told, "HTTP_UPLOAD_LENGTH": "3", "HTTP_UPLOAD_METADATA": metadata(filename="a.csv")}
    begun = browser.generic("POST", UPLOADS, b"", content_type=BYTES, **headers)
    assert begun.status_code == 201
    assert append(browser, begun["Location"], 0, b"abc").status_code == 403
    assert append(browser, begun["Location"], 0, b"abc", **told).status_code == 204


def test_the_same_key_begins_one_upload(api_of: Api) -> None:
    alice = api_of("alice")
    alice.defaults["HTTP_IDEMPOTENCY_KEY"] = "once"
    first, second = begin(alice, 3), begin(alice, 3)
    assert first["Location"] == second["Location"] and Upload.objects.count() == 1
    assert begin(alice, 4).status_code == 422


def test_an_unfinished_upload_is_not_imported(api_of: Api) -> None:
    alice = api_of("alice")
    begun = begin(alice, 10, content=b"abc")
    answer = alice.post("/api/v1/datasets/", {"upload": begun.data["id"], "name": "N"})
    assert answer.status_code == 409 and answer.json()["code"] == "upload_incomplete"


def test_a_refused_import_keeps_the_upload(api_of: Api) -> None:
    alice = api_of("alice")
    post_dataset(alice, name="Taken")
    pk = send(alice, b"a,b\n1,2\n")
    for body, status in (({"name": "Taken"}, 409), ({"name": "N", "options": {"delimiter": "banana"}}, 422)):
        assert alice.post("/api/v1/datasets/", {"upload": pk, **body}, format="json").status_code == status
    assert alice.post("/api/v1/datasets/", {"upload": pk, "name": "N"}).status_code == 201
    assert alice.post("/api/v1/datasets/", {"upload": pk, "name": "N2"}).status_code == 404


def test_it_can_be_the_next_version(api_of: Api) -> None:
    alice = api_of("alice")
    pk = post_dataset(alice).data["id"]
    upload = send(alice, b"name\nDi\n", dataset=pk)
    assert Upload.objects.get().dataset_id is not None
    made = alice.post(
        f"/api/v1/datasets/{pk}/versions/", {"upload": upload, "options": {"header": "no"}}, format="json"
    )
    assert made.status_code == 201 and made.data["number"] == 2 and made.data["options"] == {"header": "no"}
    run_pending()
    assert alice.get(made.data["url"]).data["rows"] == 2


def test_a_file_that_is_here_already_is_noticed(api_of: Api) -> None:
    alice = api_of("alice")
    known = post_dataset(alice).data
    run_pending()
    url = begin(alice, len(PEOPLE_CSV), content=PEOPLE_CSV)["Location"]
    (same,) = alice.get(url).data["duplicates"]
    assert (same["dataset"], same["name"], same["version"]) == (known["id"], "People", 1)
    charlie = api_of("charlie")
    url = begin(charlie, len(PEOPLE_CSV), content=PEOPLE_CSV, department="retail")["Location"]
    assert charlie.get(url).data["duplicates"] == []


def test_equal_bytes_are_stored_once(api_of: Api, tmp_path: Any) -> None:
    alice = api_of("alice")
    for name in ("One", "Two"):
        alice.post("/api/v1/datasets/", {"upload": send(alice, PEOPLE_CSV), "name": name})
    assert Dataset.objects.count() == 2
    assert DatasetVersion.objects.values("source_key").distinct().count() == 1


def test_what_happens_is_recorded(api_of: Api) -> None:
    alice = api_of("alice")
    url = begin(alice, 3, content=b"abc")["Location"]
    alice.delete(url, **TUS)
    verbs = list(AuditEvent.objects.filter(verb__startswith="upload.").values_list("verb", "actor_name"))
    assert sorted(verbs) == [("upload.begin", "alice"), ("upload.finish", "alice"), ("upload.give_up", "alice")]
