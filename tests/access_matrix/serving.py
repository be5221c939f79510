"""Deployments: pages and API."""

from tests.access_matrix import Row

NAME = {"name": "deployment.name"}
API_VERSION = {"model_id": "model.pk", "number": "model_version.number"}
ROW = {"age": 30, "income": 1100, "grade": "plain"}
TENSORS = {"inputs": [
    {"name": "age", "datatype": "INT64", "shape": [1], "data": [30]},
    {"name": "income", "datatype": "INT64", "shape": [1], "data": [1100]},
    {"name": "grade", "datatype": "BYTES", "shape": [1], "data": ["plain"]},
]}  # fmt: skip
EVERYBODY = "200 200 200 200 200 200 200 200 200"

ROWS = [
    Row("deployments/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("deployments/new/", "GET", "403 403 200 200 403 200 403 403 302"),
    # Dana deploys for the Clinic; a model that was granted to it stays with its owner.
    Row(
        "deployments/new/", "POST", "403 403 302 302 403 422 403 403 302",
        body={"model_version": "$model_version.pk", "name": "fresh"}, form=True,
    ),
    Row("deployments/<slug:name>/", "GET", "200 200 200 200 404 200 200 404 302", args=NAME),
    # The version that it answers with already is no other version.
    Row(
        "deployments/<slug:name>/repoint/", "POST", "403 403 422 422 404 403 403 404 302",
        args=NAME, body={"model_version": "$model_version.pk"}, form=True,
    ),
    Row("deployments/<slug:name>/pause/", "POST", "403 403 302 302 404 403 403 404 302", args=NAME, form=True),
    Row("deployments/<slug:name>/resume/", "POST", "403 403 302 302 404 403 403 404 302", args=NAME, form=True),
    Row("reviews/", "GET", "200 200 200 200 200 200 200 200 302"),
    # Cases hold what callers asked: neither a grant to predict nor platform admins open them.
    Row("reviews/<uuid:id>/", "GET", "200 200 200 200 404 404 404 404 302", args={"id": "review.pk"}),
    Row(
        "reviews/<uuid:id>/assign/", "POST", "302 302 302 302 404 404 404 404 302", args={"id": "review.pk"}, form=True,
        body={"person": "me"},
    ),
    Row(
        "reviews/<uuid:id>/decide/", "POST", "302 302 302 302 404 404 404 404 302", args={"id": "review.pk"}, form=True,
        body={"decision": "0"},
    ),
    Row("api/v1/reviews/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/reviews/<uuid:id>/", "GET", "200 200 200 200 404 404 404 404 401", args={"id": "review.pk"}),
    Row(
        "api/v1/reviews/<uuid:id>/assign/", "POST", "200 403 200 200 404 404 404 404 401", args={"id": "review.pk"},
        body={"person": None},
    ),
    Row(
        "api/v1/reviews/<uuid:id>/decide/", "POST", "200 403 200 200 404 404 404 404 401", args={"id": "review.pk"},
        body={"decision": 0},
    ),
    Row("deployments/<slug:name>/policy/", "GET", "200 200 200 200 404 403 403 404 302", args=NAME),
    Row(
        "deployments/<slug:name>/policy/", "POST", "403 403 422 422 404 403 403 404 302", args=NAME, form=True,
        body={"act": "save"},
    ),
    Row("deployments/<slug:name>/policy/use/", "POST", "403 403 302 302 404 403 403 404 302", args=NAME, form=True),
    Row("deployments/<slug:name>/outcomes/", "GET", "200 200 200 200 404 403 403 404 302", args=NAME),
    Row("deployments/<slug:name>/outcomes/", "POST", "422 422 422 422 404 403 403 404 302", args=NAME, form=True),
    Row("api/v1/deployments/<slug:name>/outcomes/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    # A viewer reads and does not report.
    Row(
        "api/v1/deployments/<slug:name>/outcomes/", "POST", "422 403 422 422 404 422 403 404 401", args=NAME,
        body={"request_id": "9e3c2d0f-0000-4000-8000-000000000000", "value": 1},
    ),
    Row("api/v1/models/<uuid:id>/policies/", "GET", "200 200 200 200 404 403 403 404 401", args={"id": "model.pk"}),
    Row(
        "api/v1/models/<uuid:id>/policies/", "POST", "403 403 201 201 404 403 403 404 401", args={"id": "model.pk"},
        body={"settings": {"threshold": 0.4}, "reason": "as agreed"},
    ),
    Row(
        "api/v1/models/<uuid:id>/policies/<int:number>/", "GET", "200 200 200 200 404 403 403 404 401",
        args={"id": "model.pk", "number": "policy.number"},
    ),
    Row(
        "api/v1/models/<uuid:id>/versions/<int:number>/policy-preview/", "POST",
        "403 403 200 200 404 403 403 404 401",
        args={"id": "model.pk", "number": "model_version.number"}, body={"settings": {"threshold": 0.4}},
    ),
    Row(
        "api/v1/deployments/<slug:name>/policy/", "POST", "403 403 200 200 404 403 403 404 401", args=NAME,
        body={"number": None},
    ),
    Row("deployments/<slug:name>/delete/", "POST", "403 403 403 302 404 403 403 404 302", args=NAME, form=True),
    Row(
        "models/<uuid:model_id>/versions/<int:number>/try/", "POST", "200 403 200 200 404 200 403 404 302",
        args={"model_id": "model.pk", "number": "model_version.number"},
        body={"x0": "30", "x1": "1100", "x2": "plain"}, form=True,
    ),
    Row(
        "models/<uuid:model_id>/versions/<int:number>/why/", "POST", "200 403 200 200 404 200 403 404 302",
        args={"model_id": "model.pk", "number": "model_version.number"},
        body={"x0": "30", "x1": "1100", "x2": "plain"}, form=True,
    ),
    Row(
        "models/<uuid:model_id>/versions/<int:number>/change/", "POST", "200 403 200 200 404 200 403 404 302",
        args={"model_id": "model.pk", "number": "model_version.number"},
        body={"x0": "30", "x1": "1100", "x2": "plain"}, form=True,
    ),
    Row("api/v1/deployments/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row(
        "api/v1/deployments/", "POST", "403 403 201 201 404 403 403 404 401",
        body={"name": "fresh", "department": "credit-risk", "model_version": "$model_version.pk"},
    ),
    Row("api/v1/deployments/<slug:name>/", "GET", "200 200 200 200 404 200 200 404 401", args=NAME),
    Row(
        "api/v1/deployments/<slug:name>/", "PATCH", "403 403 200 200 404 403 403 404 401",
        args=NAME, body={"state": "paused"},
    ),
    Row("api/v1/deployments/<slug:name>/", "DELETE", "403 403 403 204 404 403 403 404 401", args=NAME),
    Row(
        "api/v1/deployments/<slug:name>/predict/", "POST", "200 403 200 200 404 200 403 404 401",
        args=NAME, body={"instances": [ROW]},
    ),
    Row(
        "api/v1/deployments/<slug:name>/counterfactuals/", "POST", "200 403 200 200 404 200 403 404 401",
        args=NAME, body={"instance": ROW},
    ),
    # A grant to predict does not open what others asked.
    Row("api/v1/deployments/<slug:name>/predictions/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    Row("deployments/<slug:name>/batches/", "GET", "200 200 200 200 404 200 200 404 302", args=NAME),
    Row(
        "deployments/<slug:name>/batches/", "POST", "302 403 302 302 404 302 403 404 302", args=NAME,
        body={"dataset": "$dataset.pk"}, form=True,
    ),
    Row("api/v1/deployments/<slug:name>/batch-predictions/", "GET", "200 200 200 200 404 200 200 404 401", args=NAME),
    Row(
        "api/v1/deployments/<slug:name>/batch-predictions/", "POST", "202 403 202 202 404 202 403 404 401", args=NAME,
        body={"dataset": "$dataset.pk"},
    ),
    # A batch is seen by the department that keeps its result; there is none of this id.
    Row(
        "api/v1/deployments/<slug:name>/batch-predictions/<uuid:id>/", "GET", "404 404 404 404 404 404 404 404 401",
        args={**NAME, "id": "deployment.pk"},
    ),
    Row("api/v1/deployments/<slug:name>/openapi.json", "GET", "200 200 200 200 404 200 200 404 401", args=NAME),
    Row("v2", "GET", EVERYBODY),
    Row("v2/health/live", "GET", EVERYBODY),
    Row("v2/health/ready", "GET", EVERYBODY),
    Row("v2/<path:rest>", "GET", EVERYBODY.replace("200", "404"), args={"rest": "=nothing"}),
    *(
        row
        for version, args in (("", NAME), ("/versions/<str:number>", {**NAME, "number": "model_version.number"}))
        for row in (
            Row(f"v2/models/<slug:name>{version}", "GET", "200 403 200 200 404 200 403 404 401", args=args),
            Row(f"v2/models/<slug:name>{version}/ready", "GET", "200 200 200 200 404 200 200 404 401", args=args),
            Row(
                f"v2/models/<slug:name>{version}/infer", "POST", "200 403 200 200 404 200 403 404 401",
                args=args, body=TENSORS,
            ),
        )
    ),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/uncertainty/", "GET",
        "200 200 200 200 404 200 200 404 401", args=API_VERSION,
    ),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/uncertainty/", "POST",
        "403 403 200 200 404 403 403 404 401", args=API_VERSION, body={"by": ""},
    ),
    Row("api/v1/deployments/<slug:name>/coverage/", "GET", "409 409 409 409 404 403 403 404 401", args=NAME),
    # Figures of what callers asked are for the owning department, as the log is.
    Row("deployments/<slug:name>/monitoring/", "GET", "200 200 200 200 404 403 403 404 302", args=NAME),
    Row(
        "deployments/<slug:name>/monitoring/rules/", "POST", "403 403 302 302 404 403 403 404 302",
        args=NAME, body={"kind": "latency", "threshold": "100", "is_on": "on"}, form=True,
    ),
    Row(
        "deployments/<slug:name>/monitoring/alerts/<uuid:id>/", "POST", "403 403 302 302 404 403 403 404 302",
        args={**NAME, "id": "alert.pk"}, body={"do": "close"}, form=True,
    ),
    Row("api/v1/deployments/<slug:name>/monitoring/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    Row("api/v1/deployments/<slug:name>/alert-rules/", "GET", "200 200 200 200 404 403 403 404 401", args=NAME),
    Row(
        "api/v1/deployments/<slug:name>/alert-rules/", "PUT", "403 403 200 200 404 403 403 404 401",
        args=NAME, body={"kind": "latency", "threshold": 100},
    ),
    # Platform admins see that a deployment has a problem, by kind and column; they cannot settle it.
    Row("api/v1/alerts/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/alerts/<uuid:id>/", "GET", "200 200 200 200 404 404 200 404 401", args={"id": "alert.pk"}),
    Row(
        "api/v1/alerts/<uuid:id>/acknowledge/", "POST", "403 403 200 200 404 404 403 404 401", args={"id": "alert.pk"}
    ),
    Row("api/v1/alerts/<uuid:id>/close/", "POST", "403 403 200 200 404 404 403 404 401", args={"id": "alert.pk"}),
    # A version that is not the reader's to see is passed over, like an id that is none.
    Row("models/compare/", "GET", "200 200 200 200 200 200 200 200 302", query="?id={model_version.pk}"),
    # Groups are values of rows: Erin sees the model and not its data's rows.
    Row(
        "models/<uuid:model_id>/versions/<int:number>/fairness/", "GET", "200 200 200 200 404 200 200 404 302",
        args=API_VERSION,
    ),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/fairness/", "GET",
        "200 200 200 200 404 200 403 404 401", args=API_VERSION, query="?by=grade",
    ),
    Row(
        "models/<uuid:model_id>/versions/<int:number>/report/", "GET", "200 200 200 200 404 200 200 404 302",
        args=API_VERSION,
    ),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/report/", "GET", "200 200 200 200 404 200 200 404 401",
        args=API_VERSION,
    ),
]  # fmt: skip
