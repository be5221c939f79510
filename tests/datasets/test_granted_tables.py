"""A grantee gets what the grant gives, and nothing tells of the rest: rows, figures, files, schema, errors, facts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from datasets.models import Dataset, DatasetVersion, ProjectedTable
from datasets.services import create_dataset
from departments.access import Verb, actor_for, decide
from departments.ending import end_expired
from departments.models import Grant
from departments.services import create_grant, update_grant
from jobs.testing import run_pending
from rest.problems import Refused

CSV = (
    b"name,city,born,income,remark\n"
    b"Zqann,Oslo-1,1980-05-17,1234,zqnote1\n"
    b"Zqbob,Oslo-2,1975-01-02,2345,zqnote2\n"
    b"Zqcarl,Bergen-1,1990-11-30,3456,zqnote3\n"
    b"Zqann,Bergen-2,1999-12-31,,zqnote4\n"
    b"broken,line\n"
)
MASKS = {
    "name": {"kind": "hash"},
    "city": {"kind": "bucket", "params": {"separator": "-"}},
    "born": {"kind": "year-only"},
    "income": {"kind": "bucket", "params": {"width": 1000}},
    "remark": {"kind": "hide"},
}


@pytest.fixture
def dataset(departments: SimpleNamespace, people: SimpleNamespace) -> Dataset:
    made = create_dataset(
        actor=actor_for(people.alice),
        department=departments.credit_risk,
        name="loans",
        file=ContentFile(CSV, name="zqsource.csv"),
    )
    run_pending()
    return made


@pytest.fixture
def give(dataset: Dataset, departments: SimpleNamespace, people: SimpleNamespace) -> Callable[..., Grant]:
    def grant(**terms: Any) -> Grant:
        verbs = terms.pop("verbs", ["preview", "export", "train"])
        return create_grant(obj=dataset, department=departments.clinic, verbs=verbs, created_by=people.mona, **terms)

    return grant


@pytest.fixture
def version(dataset: Dataset) -> DatasetVersion:
    return dataset.versions.get()


@pytest.fixture
def dana(browser_of: Callable[[str], Client], version: DatasetVersion) -> Callable[[str], Any]:
    client = browser_of("dana")
    return lambda part: client.get(f"/api/v1/datasets/{version.dataset_id}/versions/1/{part}")


def test_masks_make_other_values(give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(masks=MASKS)
    body = dana("rows/").json()
    assert [column["name"] for column in body["columns"]] == ["name", "city", "born", "income"]
    assert [column["type"] for column in body["columns"]] == ["text", "text", "integer", "integer"]
    rows = body["results"]
    assert [row["city"] for row in rows] == ["Oslo", "Oslo", "Bergen", "Bergen"]
    assert [row["born"] for row in rows] == [1980, 1975, 1990, 1999]
    assert [row["income"] for row in rows] == [1000, 2000, 3000, None]
    assert rows[0]["name"] == rows[3]["name"] != rows[1]["name"]
    assert all(len(row["name"]) == 32 for row in rows)


def test_rows_and_columns_are_limited(give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(columns=["city"], rows=["born>=1980-01-01", "income is present"])
    body = dana("rows/").json()
    assert body["results"] == [{"city": "Oslo-1"}, {"city": "Bergen-1"}]
    assert body["total"] == 2
    profile = dana("profile/").json()
    assert (profile["rows"], list(profile["by_column"])) == (2, ["city"])


def test_two_grants_hash_differently(
    dataset: Dataset, version: DatasetVersion, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    from datasets.reading import read_rows

    seen = []
    for department, person in ((departments.clinic, people.dana), (departments.retail, people.charlie)):
        create_grant(obj=dataset, department=department, verbs=["preview"], created_by=None, masks=MASKS)
        seen.append(read_rows(actor=actor_for(person), version=version).rows[0]["name"])
    assert seen[0] != seen[1]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_download_holds_the_projection(kind: str, give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(columns=["city", "income"], masks={"income": {"kind": "redact"}}, rows=["city~Oslo"])
    content = b"".join(dana(f"download/?as={kind}").streaming_content)
    frame = pl.read_csv(content) if kind == "csv" else pl.read_parquet(io.BytesIO(content))
    assert frame.to_dict(as_series=False) == {"city": ["Oslo-1", "Oslo-2"], "income": ["•••", "•••"]}


def test_download_takes_the_verb_export(give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(verbs=["preview"])
    assert dana("rows/").status_code == 200
    refused = dana("download/")
    assert (refused.status_code, refused.json()["code"]) == (403, "grant-verbs")


@pytest.mark.parametrize("query", ["where=remark~zq", "where=unknown~zq", "sort=remark", "sort=unknown"])
def test_a_hidden_column_answers_like_one_that_is_not_there(
    query: str, give: Callable[..., Grant], dana: Callable[[str], Any]
) -> None:
    give(masks=MASKS)
    answer = dana(f"rows/?{query}")
    field, _, name = query.partition("=")
    said = answer.json()["errors"][0]["message"].replace(name, "…").replace(name.partition("~")[0], "…")
    other = dana(f"rows/?{query.replace('remark', 'unknown').replace('unknown', 'another')}")
    name = name.replace("remark", "unknown").replace("unknown", "another")
    assert answer.status_code == other.status_code == 422
    assert said == other.json()["errors"][0]["message"].replace(name, "…").replace(name.partition("~")[0], "…")
    assert field == answer.json()["errors"][0]["field"]


def test_conditions_work_on_masked_values(give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(masks=MASKS)
    assert dana("rows/?where=income>=2345").json()["total"] == 1
    assert dana("rows/?where=name=Zqann").json()["total"] == 0
    assert dana("rows/?where=city=Oslo").json()["total"] == 2


def test_facts_of_the_version_that_hold_values_are_empty(
    give: Callable[..., Grant], dana: Callable[[str], Any], browser_of: Callable[[str], Client], version: DatasetVersion
) -> None:
    give(masks=MASKS, rows=["city~Oslo"])
    facts = dana("").json()
    assert [column["name"] for column in facts["schema"]] == ["name", "city", "born", "income"]
    empty = ("source_name", "options", "notes", "sha256", "source_sha256", "rejected_rows", "rows")
    assert not any(facts[name] for name in empty)
    assert browser_of("alice").get(facts["url"]).json()["source_name"] == "zqsource.csv"
    for tab in ("preview", "columns", "quality", "versions", "access"):
        page = browser_of("dana").get(f"/datasets/{version.dataset_id}/?tab={tab}")
        assert page.status_code == 200
        assert not re.search(b"zq(ann|bob|carl|note|source)", page.content.lower()), tab
        assert b"remark" not in page.content.replace(b"cell-note", b"").split(b"<main")[1].split(b"note-")[0], tab


def test_counts_in_the_catalogue_are_of_what_was_given(
    give: Callable[..., Grant], browser_of: Callable[[str], Client], dataset: Dataset, dana: Callable[[str], Any]
) -> None:
    give(columns=["city", "born"], masks={"born": {"kind": "hide"}}, rows=["city~Oslo"])
    page = browser_of("dana").get("/datasets/").content.decode()
    assert '<td class="num">–</td>\n              <td class="num">1</td>' in page
    dana("rows/")
    assert browser_of("dana").get(f"/datasets/{dataset.pk}/?tab=versions").context["version"].rows == 2
    assert (
        '<td class="num">4</td>\n              <td class="num">5</td>'
        in browser_of("bob").get("/datasets/").content.decode()
    )


def test_rejects_are_raw_text_and_not_given(give: Callable[..., Grant], dana: Callable[[str], Any]) -> None:
    give(columns=["city"])
    refused = dana("rejects/")
    assert (refused.status_code, refused.json()["code"]) == (403, "grant-projection")


def test_of_several_grants_one_counts(
    give: Callable[..., Grant], dana: Callable[[str], Any], people: SimpleNamespace, dataset: Dataset
) -> None:
    """The one with the most columns, then the newest; never what both give together."""
    give(columns=["city"])
    wide = give(columns=["name", "born"])
    assert list(dana("rows/").json()["results"][0]) == ["name", "born"]
    newest = give(columns=["income", "born"])
    assert list(dana("rows/").json()["results"][0]) == ["born", "income"]
    assert decide(actor_for(people.dana), Verb.PREVIEW, dataset).rule == f"grant-{newest.pk}" != f"grant-{wide.pk}"


def test_narrowing_holds_at_once_and_drops_what_was_written(
    give: Callable[..., Grant], dana: Callable[[str], Any]
) -> None:
    grant = give(columns=["city", "name"])
    assert list(dana("rows/").json()["results"][0]) == ["name", "city"]
    first = ProjectedTable.objects.get()
    update_grant(grant=grant, columns=["city"])
    assert list(dana("rows/").json()["results"][0]) == ["city"]
    assert not ProjectedTable.objects.filter(pk=first.pk).exists()


def test_at_expiry_reading_ends(
    give: Callable[..., Grant], dana: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = timezone.now() + timedelta(hours=1)
    give(columns=["city"], expires_at=end)
    parts = ("rows/", "profile/", "download/", "")
    assert [dana(part).status_code for part in parts] == [200, 200, 200, 200]
    later = end + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert [dana(part).status_code for part in parts] == [404, 404, 404, 404]
    end_expired()
    assert not ProjectedTable.objects.exists()


def test_a_large_table_is_written_by_a_job(
    give: Callable[..., Grant], dana: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.tables.AT_ONCE", 3)
    give(columns=["city"])
    waiting = dana("rows/")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "being_prepared")
    assert waiting["Retry-After"] == "2"
    assert dana("profile/").status_code == 409
    run_pending()
    assert dana("rows/").json()["total"] == 4


def test_pages_that_wait_for_a_large_table_ask_again_by_themselves(
    give: Callable[..., Grant], dataset: Any, browser_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.tables.AT_ONCE", 3)
    give(columns=["city", "income"])
    client = browser_of("dana")
    for url in (f"/runs/new/?dataset={dataset.pk}", f"/datasets/{dataset.pk}/recipe/"):
        waiting = client.get(url)
        assert (waiting.status_code, waiting["Refresh"]) == (409, "2") and "One moment" in waiting.content.decode()
    run_pending()
    for url in (f"/runs/new/?dataset={dataset.pk}", f"/datasets/{dataset.pk}/recipe/"):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"columns": ["city", "nothing"]}, "columns[1]"),
        ({"columns": ["city"], "masks": {"name": {"kind": "hash"}}}, "masks.name"),
        ({"masks": {"income": {"kind": "year-only"}}}, "masks.income.kind"),
        ({"masks": {"income": {"kind": "blur"}}}, "masks.income.kind"),
        ({"masks": {"income": {"kind": "bucket"}}}, "masks.income.params.width"),
        ({"masks": {"income": {"kind": "bucket", "params": {"edges": "3,2"}}}}, "masks.income.params.edges"),
        ({"rows": ["city=Oslo", "age>3"]}, "rows[1]"),
        ({"columns": ["remark"], "masks": {"remark": {"kind": "hide"}}}, "columns"),
    ],
)
def test_terms_that_do_not_fit_are_refused(give: Callable[..., Grant], terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        give(**terms)
    assert refused.value.errors[0]["field"] == field
