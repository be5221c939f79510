"""Jobs: pages and API. A log is for those who may preview the department's data."""

from tests.access_matrix import Row

JOB = {"id": "job.pk"}
WAITING = {"id": "waiting_job.pk"}
ANYBODY = "200 200 200 200 200 200 200 200 302"
OURS = "200 200 200 200 404 404 200 404 302"
LOG = "200 200 200 200 404 404 403 404 302"
API_OURS = "200 200 200 200 404 404 200 404 401"
API_LOG = "200 200 200 200 404 404 403 404 401"
API_STEER = "202 403 202 202 404 404 403 404 401"
API_TOO_LATE = "409 403 409 409 404 404 403 404 401"

ROWS = [
    Row("jobs/", "GET", ANYBODY),
    Row("jobs/<uuid:id>/", "GET", OURS, args=JOB),
    Row("jobs/<uuid:id>/head/", "GET", OURS, args=JOB),
    Row("jobs/<uuid:id>/waiting/", "GET", OURS, args=JOB),
    Row("jobs/<uuid:id>/lines/", "GET", LOG, args=JOB),
    Row(
        "jobs/<uuid:id>/<str:name>/", "POST", "302 403 302 302 404 404 403 404 302",
        args={**WAITING, "name": "=cancel"}, form=True,
    ),
    Row("api/v1/jobs/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/jobs/<uuid:id>/", "GET", API_OURS, args=JOB),
    Row("api/v1/jobs/<uuid:id>/log/", "GET", API_LOG, args=JOB),
    Row("api/v1/jobs/<uuid:id>/cancel/", "POST", API_STEER, args=WAITING),
    Row("api/v1/jobs/<uuid:id>/pause/", "POST", API_STEER, args=WAITING),
    Row("api/v1/jobs/<uuid:id>/resume/", "POST", API_TOO_LATE, args=WAITING),
    Row("api/v1/jobs/<uuid:id>/stop/", "POST", API_TOO_LATE, args=WAITING),
]  # fmt: skip
