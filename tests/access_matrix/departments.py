"""Departments, members, grants, audit."""

from tests.access_matrix import Row

DEPARTMENT = {"slug": "department.slug"}
BOB = {**DEPARTMENT, "username": "=bob"}
GRANT = {"id": "grant.pk"}

ROWS = [
    Row("api/v1/me/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/departments/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/departments/", "POST", "403 403 403 403 403 403 201 403 401", body={"name": "Legal"}),
    Row("api/v1/departments/<slug:slug>/", "GET", "200 200 200 200 200 200 200 200 401", args=DEPARTMENT),
    Row(
        "api/v1/departments/<slug:slug>/tuning/",
        "PUT",
        "403 403 403 200 404 404 200 404 401",
        args=DEPARTMENT,
        body={"shares_tuning": False},
    ),
    Row(
        "departments/<slug:slug>/tuning/",
        "POST",
        "403 403 403 302 404 404 302 404 302",
        args=DEPARTMENT,
        body={"shares": "on"},
        form=True,
    ),
    Row("api/v1/departments/<slug:slug>/members/", "GET", "200 200 200 200 404 404 200 404 401", args=DEPARTMENT),
    Row(
        "api/v1/departments/<slug:slug>/members/",
        "POST",
        "403 403 403 201 404 404 201 404 401",
        args=DEPARTMENT,
        body={"person": "mallory", "role": "viewer"},
    ),
    Row(
        "api/v1/departments/<slug:slug>/members/<str:username>/", "GET", "200 200 200 200 404 404 200 404 401", args=BOB
    ),
    Row(
        "api/v1/departments/<slug:slug>/members/<str:username>/",
        "DELETE",
        "403 403 403 204 404 404 204 404 401",
        args=BOB,
    ),
    Row("api/v1/departments/<slug:slug>/quota/", "GET", "200 200 200 200 404 404 200 404 401", args=DEPARTMENT),
    Row(
        "api/v1/departments/<slug:slug>/quota/",
        "PATCH",
        "403 403 403 403 404 404 200 404 401",
        args=DEPARTMENT,
        body={"cpu_hours": 10},
    ),
    Row("api/v1/grants/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/grants/<uuid:id>/", "GET", "200 200 200 200 404 200 200 404 401", args=GRANT),
    Row(
        "api/v1/grants/<uuid:id>/",
        "PATCH",
        "403 403 403 200 404 403 403 404 401",
        args=GRANT,
        body={"columns": ["age"]},
    ),
    Row("api/v1/grants/<uuid:id>/", "DELETE", "403 403 403 204 404 403 204 404 401", args=GRANT),
    Row("api/v1/grants/<uuid:id>/consequences/", "GET", "403 403 403 200 404 200 200 404 401", args=GRANT),
    Row("api/v1/grants/<uuid:id>/revoke/", "POST", "403 403 403 200 404 403 200 404 401", args=GRANT),
    Row(
        "api/v1/grants/<uuid:id>/extend/", "POST", "403 403 403 403 404 403 403 404 401", args=GRANT, body={"days": 60}
    ),
    Row("api/v1/grants/<uuid:id>/lift/", "POST", "403 403 403 409 404 403 409 404 401", args=GRANT),
    Row("api/v1/notices/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/notices/read/", "POST", "204 204 204 204 204 204 204 204 401"),
    Row("api/v1/notices/<uuid:id>/", "GET", "404 404 404 200 404 404 404 404 401", args={"id": "notice.pk"}),
    Row("api/v1/notices/<uuid:id>/read/", "POST", "404 404 404 200 404 404 404 404 401", args={"id": "notice.pk"}),
    Row("api/v1/audit/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/audit/export/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/audit/<uuid:id>/", "GET", "404 404 404 200 404 404 200 404 401", args={"id": "event.pk"}),
]
