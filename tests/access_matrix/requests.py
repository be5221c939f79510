"""Access requests: Dana of Clinic asked Credit Risk for its listed data set."""

from tests.access_matrix import Row

ASKED = {"id": "asked.pk"}
LISTED = {"kind": "=dataset", "id": "listed.pk"}
HIDDEN = {"kind": "=dataset", "id": "dataset.pk"}
BODY = {
    "department": "retail",
    "object_kind": "dataset",
    "object_id": "$listed.pk",
    "verbs": ["preview"],
    "purpose": "p",
}
FORM = {"department": "retail", "verbs": ["preview"], "purpose": "forecast", "days": "30"}
# The requester's colleagues and the owner's managers see a request; the latter answer it.
SEE = "404 404 404 200 404 200 200 404"
ANSWER = "404 404 404 302 404 403 403 404 302"

ROWS = [
    Row("access-requests/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("access-requests/new/<slug:kind>/<uuid:id>/", "GET", "200 200 200 200 200 200 200 404 302", args=LISTED),
    Row("access-requests/new/<slug:kind>/<uuid:id>/", "GET", "200 200 200 200 404 200 200 404 302", args=HIDDEN),
    Row(
        "access-requests/new/<slug:kind>/<uuid:id>/", "POST", "422 422 422 422 302 422 422 404 302",
        args=LISTED, body=FORM, form=True,
    ),
    Row("access-requests/<uuid:id>/", "GET", f"{SEE} 302", args=ASKED),
    Row("access-requests/<uuid:id>/approve/", "POST", ANSWER, args=ASKED, form=True),
    Row("access-requests/<uuid:id>/refuse/", "POST", ANSWER, args=ASKED, body={"reason": "no"}, form=True),
    Row("access-requests/<uuid:id>/withdraw/", "POST", "404 404 404 403 404 302 403 404 302", args=ASKED, form=True),
    Row("api/v1/access-requests/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/access-requests/", "POST", "404 404 404 404 201 404 404 404 401", body=BODY),
    Row("api/v1/access-requests/<uuid:id>/", "GET", f"{SEE} 401", args=ASKED),
    Row("api/v1/access-requests/<uuid:id>/approve/", "POST", "404 404 404 200 404 403 403 404 401", args=ASKED, body={}),
    Row(
        "api/v1/access-requests/<uuid:id>/refuse/", "POST", "404 404 404 200 404 403 403 404 401",
        args=ASKED, body={"reason": "no"},
    ),
    Row("api/v1/access-requests/<uuid:id>/withdraw/", "POST", "404 404 404 403 404 200 403 404 401", args=ASKED),
]  # fmt: skip
