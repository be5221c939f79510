"""Runs, studies and models."""

from tests.access_matrix import Row

RUN = {"id": "run.pk"}
WAITING = {"id": "waiting.pk"}
STUDY = {"id": "study.pk"}
MODEL = {"id": "model.pk"}
START = {"name": "=credit_scoring"}
VERSION = {"id": "model.pk", "number": "model_version.number"}
API_VERSION = {"model_id": "model.pk", "number": "model_version.number"}

ANYBODY = "200 200 200 200 200 200 200 200 302"
OURS = "200 200 200 200 404 404 200 404 302"
STEER = "302 403 302 302 404 404 403 404 302"
API_ANYBODY = "200 200 200 200 200 200 200 200 401"
API_OURS = "200 200 200 200 404 404 200 404 401"
API_STEER = "202 403 202 202 404 404 403 404 401"
API_TRAIN = "202 403 202 202 404 202 403 404 401"
# Models are granted to Clinic; a platform admin knows them and does not look inside.
GRANTED = "200 200 200 200 404 200 200 404 302"
API_GRANTED = "200 200 200 200 404 200 200 404 401"
INSIDE = "200 200 200 200 404 200 403 404 302"
API_INSIDE = "200 200 200 200 404 200 403 404 401"

ASKED = {"dataset": "$dataset.pk", "target": "defaulted", "preset": "fast"}
FORM = {**ASKED, "version": "1"}
STUDY_ASKED = {
    "dataset": "$dataset.pk",
    "target": "defaulted",
    "family": "linear",
    "search": {"learning_rate": {"low": 0.01, "high": 0.1}},
    "trials": 1,
}

ROWS = [
    Row("runs/", "GET", ANYBODY),
    Row("runs/new/", "GET", ANYBODY),
    Row("runs/new/", "POST", "302 403 302 302 404 302 403 404 302", body=FORM, form=True),
    Row("runs/plan/", "POST", "200 403 200 200 404 200 403 404 302", body=FORM, form=True),
    Row("runs/checks/", "POST", "200 403 200 200 404 200 403 404 302", body=FORM, form=True),
    Row(
        "runs/mend/",
        "POST",
        "302 403 302 302 404 302 403 404 302",
        body={**FORM, "mend": '{"step": "duplicates", "columns": [], "params": {}}'},
        form=True,
    ),
    Row("runs/compare/", "GET", "302 302 302 302 302 302 302 302 302"),
    Row(
        "runs/views/",
        "POST",
        "302 302 302 302 302 302 302 302 302",
        body={"page": "runs", "name": "Mine", "query": "state=failed"},
        form=True,
    ),
    Row(
        "runs/views/<uuid:id>/remove/", "POST", "404 404 404 404 404 404 404 404 302", args={"id": "run.pk"}, form=True
    ),
    Row("runs/<uuid:id>/", "GET", OURS, args=RUN),
    Row("runs/<uuid:id>/head/", "GET", OURS, args=RUN),
    Row("runs/<uuid:id>/leaderboard/", "GET", OURS, args=RUN),
    Row("runs/<uuid:id>/reproduce/", "POST", STEER, args=RUN, form=True),
    Row("runs/<uuid:id>/<str:signal>/", "POST", STEER, args={**WAITING, "signal": "=cancel"}, form=True),
    Row("start/", "GET", ANYBODY),
    Row("start/<slug:name>/", "GET", ANYBODY, args=START),
    Row("start/<slug:name>/", "GET", "200 403 200 200 404 200 403 404 302", args=START, query="?dataset={dataset.pk}"),
    # The columns of this data set do not fit by themselves: whoever may train is told so.
    Row("start/<slug:name>/", "POST", "422 403 422 422 404 422 403 404 302", args=START, body=FORM, form=True),
    Row("start/<slug:name>/example/", "POST", "302 403 302 302 302 302 403 403 302", args=START, form=True),
    Row("studies/", "GET", ANYBODY),
    Row("studies/<uuid:id>/", "GET", OURS, args=STUDY),
    Row("studies/<uuid:id>/resume/", "POST", STEER, args=STUDY, body={"trials": "1"}, form=True),
    Row("studies/<uuid:id>/promote/", "POST", STEER, args=STUDY, body={"trial": ""}, form=True),
    Row("studies/<uuid:id>/<str:signal>/", "POST", STEER, args={**STUDY, "signal": "=stop"}, form=True),
    Row("models/", "GET", ANYBODY),
    Row("models/<uuid:id>/", "GET", GRANTED, args=MODEL),
    Row("models/<uuid:id>/versions/<int:number>/", "GET", GRANTED, args=VERSION),
    Row(
        "models/<uuid:id>/versions/<int:number>/override/",
        "POST",
        "403 403 302 302 404 403 403 404 302",
        args=VERSION,
        body={"check": "leakage"},
        form=True,
    ),
    Row("models/<uuid:id>/versions/<int:number>/effects/", "GET", INSIDE, args=VERSION),
    # No held-out rows were kept of this version, so that nothing can be worked out; a grant of the model opens no data.
    Row(
        "models/<uuid:id>/versions/<int:number>/effects/",
        "POST",
        "422 403 422 422 404 403 403 404 302",
        args=VERSION,
        form=True,
    ),
    Row("models/<uuid:id>/versions/<int:number>/download/", "GET", INSIDE, args=VERSION),
    Row("api/v1/families/", "GET", API_ANYBODY),
    Row("api/v1/starting-points/", "GET", API_ANYBODY),
    Row(
        "api/v1/starting-points/<slug:name>/start/",
        "POST",
        "422 403 422 422 404 422 403 404 401",
        args=START,
        body={"dataset": "$dataset.pk"},
    ),
    Row("api/v1/runs/", "GET", API_ANYBODY),
    Row("api/v1/runs/", "POST", API_TRAIN, body=ASKED),
    Row("api/v1/runs/check/", "POST", "200 403 200 200 404 200 403 404 401", body=ASKED),
    Row("api/v1/runs/plan/", "POST", API_TRAIN.replace("202", "200"), body=ASKED),
    Row("api/v1/runs/<uuid:id>/", "GET", API_OURS, args=RUN),
    Row("api/v1/runs/compare/", "GET", API_OURS, query="?ids={run.pk}"),
    Row("api/v1/runs/<uuid:id>/events/", "GET", API_OURS, args=RUN),
    Row("api/v1/runs/<uuid:id>/metrics/", "GET", API_OURS, args=RUN),
    Row("api/v1/runs/<uuid:id>/clone/", "POST", API_STEER, args=RUN),
    Row("api/v1/runs/<uuid:id>/reproduce/", "POST", API_STEER, args=RUN),
    Row("api/v1/runs/<uuid:id>/pause/", "POST", API_STEER, args=WAITING),
    Row("api/v1/runs/<uuid:id>/resume/", "POST", API_STEER.replace("202", "409"), args=WAITING),
    Row("api/v1/runs/<uuid:id>/stop/", "POST", API_STEER.replace("202", "409"), args=WAITING),
    Row("api/v1/runs/<uuid:id>/cancel/", "POST", API_STEER, args=WAITING),
    Row("api/v1/studies/", "GET", API_ANYBODY),
    Row("api/v1/studies/", "POST", API_TRAIN, body=STUDY_ASKED),
    Row("api/v1/studies/<uuid:id>/", "GET", API_OURS, args=STUDY),
    Row("api/v1/studies/<uuid:id>/trials/", "GET", API_OURS, args=STUDY),
    Row("api/v1/studies/<uuid:id>/stop/", "POST", API_STEER.replace("202", "409"), args=STUDY),
    Row("api/v1/studies/<uuid:id>/cancel/", "POST", API_STEER.replace("202", "409"), args=STUDY),
    Row("api/v1/studies/<uuid:id>/resume/", "POST", API_STEER, args=STUDY, body={"trials": 1}),
    Row("api/v1/studies/<uuid:id>/promote/", "POST", API_STEER.replace("202", "200"), args=STUDY, body={}),
    Row("api/v1/models/", "GET", API_ANYBODY),
    # It takes a file, and this body holds none; who may not create in the department gets to know nothing before that.
    Row("api/v1/models/", "POST", "422 422 422 422 422 422 422 422 401", body={"name": "Ours"}, form=True),
    Row("api/v1/models/<uuid:id>/", "GET", API_GRANTED, args=MODEL),
    Row("api/v1/models/<uuid:model_id>/versions/", "GET", API_GRANTED, args={"model_id": "model.pk"}),
    Row("api/v1/models/<uuid:model_id>/versions/<int:number>/", "GET", API_GRANTED, args=API_VERSION),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/overrides/",
        "POST",
        "403 403 422 422 404 403 403 404 401",
        args=API_VERSION,
        body={"check": "leakage", "reason": "x"},
    ),
    Row("api/v1/models/<uuid:model_id>/versions/<int:number>/effects/", "GET", API_INSIDE, args=API_VERSION),
    Row(
        "api/v1/models/<uuid:model_id>/versions/<int:number>/effects/",
        "POST",
        "409 403 409 409 404 403 403 404 401",
        args=API_VERSION,
    ),
    Row("api/v1/models/<uuid:model_id>/versions/<int:number>/download/", "GET", API_INSIDE, args=API_VERSION),
]
