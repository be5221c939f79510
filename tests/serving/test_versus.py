"""Model versions side by side: their figures, what differs, and nothing that the reader may not see."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from departments.services import create_grant
from serving.models import Deployment
from tests.serving.scored import keep_scored
from training.models import ModelVersion

Browser = Callable[[str], Client]
Make = Callable[..., ModelVersion]


@pytest.fixture
def pair(make_version: Make) -> list[ModelVersion]:
    """The first tells truth well; the second tells nothing. Their data and parameters differ."""
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, 800)
    made = []
    for number, strength in enumerate((0.4, 0.0)):
        version = make_version()
        told = np.clip(0.5 + strength * (2 * truth - 1) + random.normal(0, 0.08, 800), 0.01, 0.99)
        keep_scored(version, truth=truth, prediction=np.column_stack([1 - told, told]))
        version.card = {
            "dataset": {"name": "Applicants", "version": number + 1, "rows": 800},
            "recipe": {"steps": [{"step": f"secret-step-{number}"}]},
        }
        version.save()
        made.append(version)
    return made


def address(*versions: ModelVersion) -> str:
    return "/models/compare/?" + "&".join(f"id={version.pk}" for version in versions)


def test_figures_and_differences(browser_of: Browser, pair: list[ModelVersion]) -> None:
    Deployment.objects.create(name="scoring", department=pair[0].department, model_version=pair[0])
    page = browser_of("alice").get(address(*pair))
    auc = next(item for item in page.context["metrics"] if item["name"] == "auc")
    good, poor = (cell["found"] for cell in auc["cells"])
    assert [bool(cell["best"]) for cell in auc["cells"]] == [True, False]
    assert good.low > poor.high and poor.low < 0.5 < poor.high
    differ = {column.label: column.values for column in page.context["differences"]}
    assert differ["Data set"] == ["Applicants v1", "Applicants v2"]
    assert differ["Recipe"] == ["secret-step-0", "secret-step-1"] and "Rows" not in differ
    text = page.content.decode()
    assert "different data" in text and "Calibration error" in text and "/deployments/scoring/" in text


def test_granted_models_hide_what_the_owner_keeps(
    browser_of: Browser, pair: list[ModelVersion], departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    Deployment.objects.create(name="scoring", department=pair[0].department, model_version=pair[0])
    hidden = browser_of("dana").get(address(*pair)).content.decode()
    assert "Nothing to compare yet" in hidden and "Risk v" not in hidden
    create_grant(obj=pair[0].model, department=departments.clinic, verbs=["discover"], created_by=people.mona)
    text = browser_of("dana").get(address(*pair)).content.decode()
    assert "Risk v2" in text and "secret-step" not in text and "/deployments/scoring/" not in text


def test_other_questions_and_too_few(browser_of: Browser, pair: list[ModelVersion], make_version: Make) -> None:
    alice = browser_of("alice")
    assert "Nothing to compare yet" in alice.get(address(pair[0], pair[0])).content.decode()
    assert "Nothing to compare yet" in alice.get("/models/compare/?id=x&id=%00").content.decode()
    other = make_version(name="Limit", task="regression")
    assert "different questions" in alice.get(address(pair[0], other)).content.decode()


def test_without_scored_rows_the_card_is_shown(browser_of: Browser, make_version: Make) -> None:
    both = [make_version(), make_version()]
    both[0].card = {"metrics": {"test": {"auc": 0.8}}}
    both[0].save()
    page = browser_of("alice").get(address(*both))
    [auc] = page.context["metrics"]
    assert auc["cells"][0]["found"].value == 0.8 and auc["cells"][0]["found"].low is None
    assert auc["cells"][1]["found"] is None


def test_the_models_page_leads_here(browser_of: Browser, pair: list[ModelVersion]) -> None:
    text = browser_of("alice").get(f"/models/{pair[0].model_id}/").content.decode()
    assert 'action="/models/compare/"' in text and text.count('name="id"') == 2
