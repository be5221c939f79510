"""Policies: saved beside the model, judged on held-out rows, used by answers at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from serving import prediction_log
from serving.models import DecisionPolicy, Deployment, Prediction
from serving.predictors import predictor_of
from serving.runtime.decisions.calibration import calibrator
from tests.serving.artifacts import ROW
from tests.serving.policies.conftest import ROWS, table
from tests.serving.test_predict import ask
from training.models import ModelVersion
from training.scored import TEST, scored_rows

Api = Callable[..., APIClient]
COSTS = {"unit": "EUR", "fn": "5", "fp": "1.10", "tp": "0", "tn": "-0.05", "review": "0.2"}
SETTINGS: dict[str, Any] = {"calibration": "platt", "positive": "bad", "threshold": 0.3, "costs": COSTS}
YOUNG = {"name": "young", "when": [{"column": "age", "op": "lt", "value": 25}], "decide": "good"}
UNKNOWN = {"name": "no city", "when": [{"column": "city", "op": "missing"}], "review": True}


def policies(version: ModelVersion) -> str:
    return f"/api/v1/models/{version.model_id}/policies/"


def preview(version: ModelVersion) -> str:
    return f"/api/v1/models/{version.model_id}/versions/{version.number}/policy-preview/"


def save(api: APIClient, version: ModelVersion, settings: Any = SETTINGS, reason: str = "Agreed with risk") -> Any:
    return api.post(
        policies(version), {"settings": settings, "reason": reason, "version": version.number}, format="json"
    )


def use(api: APIClient, number: int | None, name: str = "credit-scoring") -> Any:
    return api.post(f"/api/v1/deployments/{name}/policy/", {"number": number}, format="json")


def test_it_works(api_of: Api, served: Deployment, people: Any) -> None:
    emil, version = api_of("emil"), served.model_version
    plain = ask(emil, [ROW]).json()
    made = save(emil, version)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["number"], body["version"], body["reason"], body["used_by"]) == (1, 1, "Agreed with risk", [])
    assert ask(emil, [ROW]).json()["policy_version"] is None, "saved is not used"
    assert use(emil, 1).status_code == 200
    answer = ask(emil, [ROW]).json()
    assert answer["policy_version"] == 1
    [told] = answer["predictions"]
    raw = plain["predictions"][0]["probabilities"]
    [expected] = calibrator(body["calibration"], positive=0)(np.array([[raw["bad"], raw["good"]]]))
    assert told["probabilities"] == pytest.approx(dict(zip(("bad", "good"), expected, strict=True)))
    assert told["decision"] == {
        "decision": "bad" if expected[0] >= 0.3 else "good", "by": "model", "probability": pytest.approx(expected[0]),
        "threshold": 0.3,
    }  # fmt: skip
    assert use(emil, None).status_code == 200
    assert ask(emil, [ROW]).json()["predictions"] == plain["predictions"]
    verbs = AuditEvent.objects.filter(verb__in=["policy.create", "deployment.policy"]).values_list("verb", flat=True)
    assert sorted(verbs) == ["deployment.policy", "deployment.policy", "policy.create"]


def test_figures_are_what_the_rows_say(api_of: Api, scored: ModelVersion) -> None:
    """Counted here once more, from the scored rows and the fitted map."""
    answer = api_of("emil").post(preview(scored), {"settings": SETTINGS}, format="json").json()
    held = scored_rows(scored)
    assert held is not None
    test = held.of(TEST)
    p = calibrator(answer["calibration"], positive=0)(test.prediction)[:, 0]
    decided = np.where(p >= 0.3, 0, 1)
    counts = [[int(((test.truth == t) & (decided == d)).sum()) for d in (0, 1)] for t in (0, 1)]
    figures = answer["figures"]
    assert figures["counts"] == counts
    assert figures["rows"] == ROWS // 2
    (tp, fn), (fp, tn) = counts
    assert Decimal(figures["money"]) == 5 * fn + Decimal("1.10") * fp - Decimal("0.05") * tn
    assert figures["changed"] == int((decided != test.prediction.argmax(axis=1)).sum())
    assert figures["ece_after"] < figures["ece_before"]
    assert tp + fn + fp + tn == ROWS // 2
    assert not DecisionPolicy.objects.exists()


def test_rules_are_judged_with_the_rows_that_they_touch(api_of: Api, scored: ModelVersion) -> None:
    settings = {**SETTINGS, "rules": [YOUNG, UNKNOWN]}
    figures = api_of("emil").post(preview(scored), {"settings": settings}, format="json").json()["figures"]
    rows = table().to_dicts()[ROWS // 2 :]
    young = [row["age"] < 25 for row in rows]
    unknown = [row["city"] is None and not y for row, y in zip(rows, young, strict=True)]
    assert [each["rows"] for each in figures["rules"]] == [sum(young), sum(unknown)]
    assert figures["rules"][0]["share"] == pytest.approx(sum(young) / len(rows))
    assert figures["reviewed"] == sum(unknown)
    assert figures["without_rules"]["reviewed"] == 0
    assert figures["without_rules"]["money"] != figures["money"]


def test_rules_and_the_band_decide_in_answers(api_of: Api, served: Deployment) -> None:
    emil = api_of("emil")
    settings = {**SETTINGS, "review": {"low": 0.0, "high": 1.0}, "rules": [YOUNG, UNKNOWN]}
    assert save(emil, served.model_version, settings).status_code == 201
    use(emil, 1)
    rows = [{**ROW, "age": 20}, {"age": 40}, ROW]
    found = [each["decision"] for each in ask(emil, rows).json()["predictions"]]
    assert [(each["decision"], each["by"], each.get("rule")) for each in found] == [
        ("good", "rule", "young"), (None, "review", "no city"), (None, "review", None),
    ]  # fmt: skip
    prediction_log.ship()
    assert [each["decision"]["by"] for each in Prediction.objects.get().answers] == ["rule", "review", "review"]


def test_the_held_out_rows_are_decided_as_the_endpoint_decides_them(api_of: Api, served: Deployment) -> None:
    """What was promised is what is answered: every test row is sent to the endpoint."""
    emil, settings = api_of("emil"), {**SETTINGS, "rules": [YOUNG, UNKNOWN], "review": {"low": 0.25, "high": 0.4}}
    figures = save(emil, served.model_version, settings).json()["figures"]
    use(emil, 1)
    rows = table().to_dicts()[ROWS // 2 :]
    answers = [each["decision"]["decision"] for each in ask(emil, rows).json()["predictions"]]
    held = scored_rows(served.model_version)
    assert held is not None
    truth = held.of(TEST).truth
    places = {"bad": 0, "good": 1}
    counts = [[0, 0], [0, 0]]
    for true, answer in zip(truth.tolist(), answers, strict=True):
        if answer is not None:
            counts[true][places[answer]] += 1
    assert figures["counts"] == counts
    assert figures["reviewed"] == answers.count(None)


def test_the_least_cost_is_chosen_on_rows_that_do_not_judge_it(api_of: Api, scored: ModelVersion) -> None:
    settings = {**SETTINGS, "threshold": "least-cost", "review": "least-cost"}
    emil = api_of("emil")
    chosen = emil.post(preview(scored), {"settings": settings}, format="json").json()["settings"]
    assert chosen["review"]["low"] <= chosen["threshold"] <= chosen["review"]["high"]
    alone = emil.post(preview(scored), {"settings": {**SETTINGS, "threshold": "least-cost"}}, format="json").json()
    assert 0.05 < alone["settings"]["threshold"] < 0.4, "near 1.15 / 6.15, Elkan's threshold"


def test_several_classes_by_a_matrix(api_of: Api, make_version: Any, with_rows: Any) -> None:
    version = with_rows(make_version(task="multiclass"))
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    matrix = [["0", "1", "1"], ["9", "0", "1"], ["1", "1", "0"]]
    settings = {"calibration": "temperature", "costs": {"matrix": matrix}, "review": {"below": 0.4}}
    emil = api_of("emil")
    made = save(emil, version, settings)
    assert made.status_code == 201, made.content
    figures = made.json()["figures"]
    assert sum(map(sum, figures["counts"])) + figures["reviewed"] == ROWS // 2
    money = sum(Decimal(matrix[t][d]) * figures["counts"][t][d] for t in range(3) for d in range(3))
    assert Decimal(figures["money"]) == money
    use(emil, 1)
    [told] = ask(emil, [ROW]).json()["predictions"]
    assert told["decision"]["by"] in {"model", "review"}
    assert sum(told["probabilities"].values()) == pytest.approx(1)


def test_a_number_by_the_cost_of_too_much_and_too_little(api_of: Api, make_version: Any, with_rows: Any) -> None:
    version = with_rows(make_version(task="regression"))
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    emil = api_of("emil")
    made = save(emil, version, {"shift": "least-cost", "costs": {"unit": "EUR", "over": 1, "under": "9"}}).json()
    shift = made["settings"]["shift"]
    assert shift == pytest.approx(0.5 + 1.2816, abs=0.25), "the 90 % quantile of errors around 0.5 ± 1"
    assert Decimal(made["figures"]["money"]) < Decimal(made["figures"]["money_before"])
    use(emil, 1)
    [told] = ask(emil, [ROW]).json()["predictions"]
    assert told["decision"] == {"decision": pytest.approx(told["value"] + shift), "by": "model"}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"calibration": "spline"}, "calibration"),
    ({"positive": "maybe"}, "positive"),
    ({"threshold": 1.5}, "threshold"),
    ({"threshold": "often"}, "threshold"),
    ({"review": {"low": 0.5, "high": 0.2}}, "review.low"),
    ({"review": {"low": 0.5, "high": 0.6}, "threshold": 0.1}, "threshold"),
    ({"costs": {"fn": "0.00001"}}, "costs.fn"),
    ({"costs": {"miss": 1}}, "costs"),
    ({"rules": [{**YOUNG, "when": [{"column": "shoe", "op": "lt", "value": 1}]}]}, "rules[0].when[0].column"),
    ({"rules": [{**YOUNG, "when": [{"column": "age", "op": "like", "value": 1}]}]}, "rules[0].when[0].op"),
    ({"rules": [{**YOUNG, "when": [{"column": "age", "op": "lt", "value": "18"}]}]}, "rules[0].when[0].value"),
    ({"rules": [{**YOUNG, "when": [{"column": "city", "op": "lt", "value": "a"}]}]}, "rules[0].when[0].op"),
    ({"rules": [{**YOUNG, "when": []}]}, "rules[0].when"),
    ({"rules": [{**YOUNG, "decide": "maybe"}]}, "rules[0].decide"),
    ({"rules": [YOUNG, YOUNG]}, "rules[1].name"),
    ({"locked": ["shoe"]}, "locked[0]"),
    ({"more": 1}, "more"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=[field for _change, field in WRONG])
def test_what_does_not_fit_is_named(api_of: Api, scored: ModelVersion, change: dict[str, Any], field: str) -> None:
    answer = save(api_of("emil"), scored, {**SETTINGS, **change})
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_a_policy_needs_a_reason(api_of: Api, scored: ModelVersion) -> None:
    assert save(api_of("emil"), scored, reason="  ").status_code == 422


def test_without_held_out_rows_nothing_is_fitted(api_of: Api, deployment: Deployment) -> None:
    emil, version = api_of("emil"), deployment.model_version
    answer = save(emil, version)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_held_out_rows")
    made = save(emil, version, {**SETTINGS, "calibration": "none"})
    assert (made.status_code, made.json()["figures"]) == (201, {})
    use(emil, 1)
    assert ask(emil, [ROW]).json()["predictions"][0]["decision"]["threshold"] == 0.3


def test_another_version_gets_the_policy_fitted_anew(
    api_of: Api, served: Deployment, make_version: Any, with_rows: Any
) -> None:
    emil = api_of("emil")
    first = save(emil, served.model_version, {**SETTINGS, "rules": [YOUNG]}).json()
    use(emil, 1)
    other = with_rows(make_version(gain=3.0))
    answer = emil.patch("/api/v1/deployments/credit-scoring/", {"model_version": str(other.pk)}, format="json")
    assert answer.status_code == 200, answer.content
    policy = DecisionPolicy.objects.get(number=2)
    assert (policy.model_version_id, policy.settings["rules"]) == (other.pk, first["settings"]["rules"])
    assert policy.document["calibration"] != first["calibration"]
    assert ask(emil, [ROW]).json()["policy_version"] == 2


def test_a_version_that_the_policy_cannot_follow_to_is_refused(
    api_of: Api, served: Deployment, make_version: Any
) -> None:
    emil = api_of("emil")
    save(emil, served.model_version)
    use(emil, 1)
    bare = make_version(gain=3.0)  # keeps no held-out rows
    answer = emil.patch("/api/v1/deployments/credit-scoring/", {"model_version": str(bare.pk)}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_stays_behind")
    served.refresh_from_db()
    assert served.model_version_id != bare.pk
    use(emil, None)
    answer = emil.patch("/api/v1/deployments/credit-scoring/", {"model_version": str(bare.pk)}, format="json")
    assert answer.status_code == 200


def test_a_policy_of_another_version_is_not_used(api_of: Api, served: Deployment, make_version: Any) -> None:
    emil, other = api_of("emil"), make_version(gain=2.0)
    assert save(emil, other, {**SETTINGS, "calibration": "none"}).status_code == 201
    answer = use(emil, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_of_another_version")
    assert use(emil, 9).status_code == 404


def test_a_policy_never_changes(api_of: Api, scored: ModelVersion) -> None:
    save(api_of("emil"), scored)
    policy = DecisionPolicy.objects.get()
    policy.reason = "another"
    with pytest.raises(TypeError, match="never changes"):
        policy.save()


def test_who_may_read_and_write(api_of: Api, scored: ModelVersion) -> None:
    save(api_of("emil"), scored)
    assert [each["number"] for each in api_of("bob").get(policies(scored)).json()["results"]] == [1]
    assert api_of("bob").get(f"{policies(scored)}1/").json()["settings"]["threshold"] == 0.3
    assert save(api_of("alice"), scored).status_code == 403
    assert api_of("charlie").get(policies(scored)).status_code == 404


def test_the_other_class_as_the_positive_one_gives_the_mirrored_figures(api_of: Api, scored: ModelVersion) -> None:
    emil = api_of("emil")
    one = {**SETTINGS, "calibration": "none", "threshold": 0.3}
    swapped = {"fn": COSTS["fp"], "fp": COSTS["fn"], "tp": COSTS["tn"], "tn": COSTS["tp"]}
    other = {**one, "positive": "good", "threshold": 0.7, "costs": {**COSTS, **swapped}}
    first = emil.post(preview(scored), {"settings": one}, format="json").json()["figures"]
    second = emil.post(preview(scored), {"settings": other}, format="json").json()["figures"]
    assert (first["counts"], first["money"]) == (second["counts"], second["money"])


def test_scores_are_those_of_the_predictor(scored: ModelVersion) -> None:
    held = scored_rows(scored)
    assert held is not None
    [answer] = predictor_of(scored).predict([{k: v for k, v in table().to_dicts()[700].items() if v is not None}])
    assert held.prediction[700].tolist() == pytest.approx(list(answer["probabilities"].values()))
