"""What every route of the API shares: problems, cursors, idempotency keys, ETags, bounded bodies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from departments.models import Department

URL = "/api/v1/departments/"


@pytest.fixture
def erin(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of("erin")


def test_every_refusal_is_a_problem(erin: APIClient) -> None:
    for response in (
        erin.get("/api/v1/nothing/"),
        erin.get(URL + "nothing/"),
        erin.patch(URL, {}),
        erin.post(URL, b"{", content_type="application/json"),
        erin.post(URL, b"<a/>", content_type="application/xml"),
        erin.post(URL, {}),
        APIClient().get(URL),
    ):
        body = response.json()
        assert response["Content-Type"] == "application/problem+json"
        assert body["status"] == response.status_code >= 400
        assert body["code"] and body["detail"] and body["title"]


def test_request_id_is_echoed(erin: APIClient) -> None:
    asked = "7c7f0c0e-5c5c-4b0a-9b53-b7ac9e1a9f2e"
    assert erin.get(URL, headers={"X-Request-ID": asked})["X-Request-ID"] == asked
    assert len(erin.get(URL, headers={"X-Request-ID": "x" * 500})["X-Request-ID"]) == 36


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff\xfe", b'"text"', b"[1]"]
)
def test_hostile_json_is_a_4xx(erin: APIClient, body: bytes) -> None:
    assert 400 <= erin.post(URL, body, content_type="application/json").status_code < 500


def test_nul_character_is_refused(erin: APIClient) -> None:
    refused = erin.post(URL, b'{"name": "a\\u0000b"}', content_type="application/json")
    assert refused.status_code == 422


class TestCursor:
    @pytest.fixture(autouse=True)
    def many(self, departments: object) -> None:
        Department.objects.bulk_create(Department(slug=f"d{i:02d}", name=f"D{i:02d}") for i in range(25))

    def test_pages_neither_repeat_nor_miss(self, erin: APIClient) -> None:
        seen, url = [], f"{URL}?limit=10&ordering=slug"
        while url:
            page = erin.get(url).json()
            seen += [row["slug"] for row in page["results"]]
            url = page["next"]
        assert seen == sorted(Department.objects.values_list("slug", flat=True))

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=501", "limit=x", "limit=-1", "cursor=%00", "cursor=abc", "ordering=pk"]
    )
    def test_bad_query_names_the_parameter(self, erin: APIClient, query: str) -> None:
        refused = erin.get(f"{URL}?{query}")
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


class TestIdempotencyKey:
    def test_same_key_and_body_get_the_same_answer_once(self, erin: APIClient) -> None:
        first = erin.post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"})
        again = erin.post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert again["Idempotent-Replayed"] == "true"
        assert Department.objects.filter(name="Legal").count() == 1

    def test_same_key_other_body_is_422(self, erin: APIClient) -> None:
        erin.post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"})
        refused = erin.post(URL, {"name": "Sales"}, headers={"Idempotency-Key": "k1"})
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")

    def test_key_belongs_to_its_person(self, erin: APIClient, api_of: Callable[..., APIClient]) -> None:
        erin.post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"})
        assert api_of("alice").post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"}).status_code == 403

    def test_refusal_is_not_kept(self, erin: APIClient) -> None:
        assert erin.post(URL, {"name": ""}, headers={"Idempotency-Key": "k1"}).status_code == 422
        assert erin.post(URL, {"name": "Legal"}, headers={"Idempotency-Key": "k1"}).status_code == 201

    def test_secrets_are_never_kept(self, erin: APIClient) -> None:
        asked = {"name": "t", "scopes": ["read"]}
        assert erin.post("/api/v1/tokens/", asked, headers={"Idempotency-Key": "k1"}).status_code == 422


def test_single_objects_carry_an_etag(erin: APIClient, departments: object) -> None:
    one, two = erin.get(URL + "clinic/"), erin.get(URL + "retail/")
    assert one["ETag"] and one["ETag"] != two["ETag"]
    assert one["ETag"] == erin.get(URL + "clinic/")["ETag"]


def test_unknown_route_is_404_for_every_method(erin: APIClient) -> None:
    for method in ("get", "post", "put", "patch", "delete"):
        refused = getattr(erin, method)("/api/v1/nothing/here/")
        assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")


def test_form_without_its_token_is_refused_in_words(people: object) -> None:
    refused = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "alice"})
    assert refused.status_code == 403
    assert b"Load the page again" in refused.content
