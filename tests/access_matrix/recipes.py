"""Recipes belong to the department that prepares: a grant on the data set shows nobody else's."""

from tests.access_matrix import Row

ID = {"id": "recipe.pk"}
STEPS = [{"step": "missing", "columns": ["age"]}]
PAGE = {"id": "dataset.pk"}
MADE = {"dataset": "$dataset.pk", "steps": STEPS}

ROWS = [
    Row("datasets/<uuid:id>/recipe/", "GET", "200 200 200 200 404 200 403 404 302", args=PAGE),
    Row(
        "datasets/<uuid:id>/recipe/",
        "POST",
        "302 403 302 302 404 302 403 404 302",
        args=PAGE,
        body={"act": "add", "step": "missing"},
        form=True,
    ),
    Row("api/v1/steps/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/recipes/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/recipes/", "POST", "201 403 201 201 404 201 403 404 401", body=MADE),
    Row("api/v1/recipes/preview/", "POST", "200 200 200 200 404 200 403 404 401", body=MADE),
    Row("api/v1/recipes/<uuid:id>/", "GET", "200 200 200 200 404 404 200 404 401", args=ID),
    Row("api/v1/recipes/<uuid:id>/", "PATCH", "200 403 200 200 404 404 403 404 401", args=ID, body={"steps": STEPS}),
    Row("api/v1/recipes/<uuid:id>/", "DELETE", "204 403 204 204 404 404 403 404 401", args=ID),
    Row(
        "api/v1/recipes/<uuid:id>/prepare/",
        "POST",
        "202 403 202 202 404 404 403 404 401",
        args=ID,
        body={"name": "Prepared"},
    ),
    Row("api/v1/recipes/<uuid:id>/preview/", "POST", "200 200 200 200 404 404 403 404 401", args=ID),
]
