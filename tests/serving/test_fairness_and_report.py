"""Fairness by any column and the report of a model, for whoever may see what they say."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.utils import translation
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets import parts, storage
from departments.services import create_grant
from serving.reporting import pdf
from tests.people import signed_in
from training.models import ModelVersion
from training.overrides import override
from training.scored import TEST, scored_rows

Api = Callable[..., APIClient]


@pytest.fixture
def model(trained: Callable[..., ModelVersion]) -> ModelVersion:
    return trained("defaulted")


def api_url(model: ModelVersion, what: str) -> str:
    return f"/api/v1/models/{model.model_id}/versions/{model.number}/{what}/"


def page_url(model: ModelVersion, what: str) -> str:
    return f"/models/{model.model_id}/versions/{model.number}/{what}/"


def table_of(model: ModelVersion) -> pl.DataFrame:
    assert model.run is not None
    with storage.local(model.run.dataset_version.storage_key) as path:
        return parts.read(path)


def test_a_column_that_is_no_feature(api_of: Api, model: ModelVersion) -> None:
    """The figures are those of the table's own rows, worked out by hand here."""
    told = api_of("bob").get(api_url(model, "fairness"), {"by": "region", "threshold": 0.5, "positive": "true"})
    assert told.status_code == 200, told.data
    rows = scored_rows(model)
    assert rows is not None
    test, table = rows.of(TEST), table_of(model)
    region = table["region"].to_numpy()[test.row]
    for group in told.json()["decided"]:
        mine = region == group["name"]
        selected, truth = test.prediction[mine, 1] >= 0.5, table["defaulted"].to_numpy()[test.row][mine]
        assert group["rows"] == mine.sum()
        assert group["selected"]["share"] == pytest.approx(selected.mean())
        assert group["true_positive"]["share"] == pytest.approx(selected[truth].mean())
        assert group["false_positive"]["share"] == pytest.approx(selected[~truth].mean())
    assert [group["name"] for group in told.json()["decided"]] == ["north", "south"]
    # The model never saw the region, in which more people default: it tells the south too little.
    south = told.json()["decided"][1]
    assert south["observed"]["share"] > south["predicted"]
    assert AuditEvent.objects.filter(verb="model_version.fairness").count() == 1


def test_numbers_fall_into_bands(api_of: Api, model: ModelVersion) -> None:
    told = api_of("alice").get(api_url(model, "fairness"), {"by": "age"}).json()["decided"]
    assert len(told) == 5 and sum(group["rows"] for group in told) == 300


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "nothing"}, "by"),
        ({"by": "region", "threshold": "2"}, "threshold"),
        ({"by": "region", "threshold": "x"}, "threshold"),
        ({"by": "region", "positive": "perhaps"}, "positive"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_named(api_of: Api, model: ModelVersion, query: dict[str, str], field: str) -> None:
    answer = api_of("alice").get(api_url(model, "fairness"), query)
    assert answer.status_code == 422 and [e["field"] for e in answer.json()["errors"]] == [field]


def test_regression_tells_errors(api_of: Api, trained: Callable[..., ModelVersion]) -> None:
    told = api_of("alice").get(api_url(trained("limit"), "fairness"), {"by": "grade"}).json()
    assert told["decided"] == [] and [group["name"] for group in told["measured"]] == ["a", "b", "c"]
    errors = {group["name"]: group["error"] for group in told["measured"]}
    assert errors["c"]["low"] > errors["a"]["high"], "the errors of c are twice as large"
    assert set(told["covered"]) == {"a", "b", "c"} and told["covered"]["c"][0] < told["covered"]["a"][0]


def test_groups_are_values_of_rows(
    api_of: Api, model: ModelVersion, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    """Who was granted the model alone sees that it has a report, and none of its groups, classes or categories."""
    create_grant(obj=model.model, department=departments.clinic, verbs=["discover"], created_by=people.mona)
    dana = api_of("dana")
    assert dana.get(api_url(model, "fairness"), {"by": "region"}).status_code in {403, 404}
    report = dana.get(api_url(model, "report"))
    assert report.status_code == 200
    text = report.content.decode()
    assert "north" not in text and "south" not in text and "Not measured" in text
    assert "Needed" in text and "Seen in training" not in text
    assert api_of("charlie").get(api_url(model, "report")).status_code == 404


def test_the_page(people: SimpleNamespace, model: ModelVersion) -> None:
    bob = signed_in(people.bob)
    page = bob.get(page_url(model, "fairness"), {"by": "region"}).content.decode()
    assert "north" in page and "<svg" in page and "Figures by group" in page
    refused = bob.get(page_url(model, "fairness"), {"by": "nothing"})
    assert refused.status_code == 422 and "choose a column" in refused.content.decode()


def test_the_report_says_everything(api_of: Api, model: ModelVersion, people: SimpleNamespace) -> None:
    from departments.access import actor_for

    ModelVersion.objects.filter(pk=model.pk).update(
        card={**model.card, "findings": [{
            "check": "leakage", "severity": "error", "message": "One column tells it all.", "columns": ["age"],
            "test": "auc", "value": 0.99, "threshold": 0.95, "fix": "", "action": None,
        }]}
    )  # fmt: skip
    model.refresh_from_db()
    override(actor=actor_for(people.emil), version=model, reason="The column is known in time.")
    answer = api_of("alice").get(api_url(model, "report"))
    text = answer.content.decode()
    assert answer.status_code == 200 and answer["content-type"].startswith("text/html")
    for said in (
        "Applicants of defaulted v1", "One column tells it all.", "The column is known in time.", "95 % interval",
        "Calibration", "Uncertainty", "Covered", "By grade", "By region", "four fifths", model.sha256, "Intended use",
        "Log loss", "<svg",
    ):  # fmt: skip
        assert said in text, said
    assert AuditEvent.objects.filter(verb="model_version.report").count() == 1


def test_the_pdf(api_of: Api, model: ModelVersion) -> None:
    answer = api_of("alice").get(api_url(model, "report"), {"as": "pdf"})
    assert answer.status_code == 200 and answer["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF") and "inline" in answer["content-disposition"]
    assert api_of("alice").get(api_url(model, "report"), {"as": "doc"}).status_code == 422


def test_the_report_speaks_the_readers_language(people: SimpleNamespace, model: ModelVersion) -> None:
    bob = signed_in(people.bob)
    with translation.override("zh-hans"):
        page = bob.get(page_url(model, "report"), headers={"accept-language": "zh-hans"})
    assert page.status_code == 200 and "<html lang=" in page.content.decode()


def test_a_machine_without_the_library_says_what_to_do(
    api_of: Api, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.reporting import answers

    def missing(_html: str) -> bytes:
        raise pdf.NotPrinted(missing=True)

    monkeypatch.setattr(answers, "printed", missing)
    answer = api_of("alice").get(api_url(model, "report"), {"as": "pdf"})
    assert answer.status_code == 501 and "Pango" in answer.json()["detail"]


def test_printing_fetches_nothing(tmp_path: Any) -> None:
    """A page that names a file of the machine is printed without it."""
    (tmp_path / "secret.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><text>secret</text></svg>")
    plain = pdf.printed("<p>hello</p>")
    assert len(pdf.printed(f"<p>hello</p><img src='file://{tmp_path}/secret.svg'>")) < len(plain) + 2_000
