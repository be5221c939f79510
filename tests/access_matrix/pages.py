"""Pages of accounts, departments and the platform admin."""

from tests.access_matrix import Row

DEPARTMENT = {"slug": "department.slug"}
GRANT = {"id": "grant.pk"}
NOTHING = "=00000000-0000-0000-0000-000000000000"
CREDENTIALS = {"username": "alice", "password": "wrong"}
ADMIN = "404 404 404 404 404 404 200 404 302"

ROWS = [
    Row("sign-in/", "GET", "302 302 302 302 302 302 302 302 200"),
    Row("sign-in/", "POST", "302 302 302 302 302 302 302 302 200", body=CREDENTIALS, form=True),
    Row("sign-in/", "PUT", "302 302 302 302 302 302 302 302 200"),
    Row("sign-in/link/<str:token>/", "GET", "410 410 410 410 410 410 410 410 410", args={"token": "=spent"}),
    Row(
        "sign-in/link/<str:token>/", "POST", "410 410 410 410 410 410 410 410 410", args={"token": "=spent"}, form=True
    ),
    Row("sign-out/", "POST", "302 302 302 302 302 302 302 302 302", form=True),
    Row("settings/tokens/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row(
        "settings/tokens/",
        "POST",
        "200 200 200 200 200 200 200 200 302",
        body={"name": "laptop", "scopes": ["read"], "days": "7"},
        form=True,
    ),
    Row(
        "settings/tokens/<uuid:id>/revoke/",
        "POST",
        "302 404 404 404 404 404 404 404 302",
        args={"id": "token.pk"},
        form=True,
    ),
    Row("settings/password/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("department/switch/", "POST", "302 302 302 302 302 302 302 302 302", body=DEPARTMENT, form=True),
    Row("departments/<slug:slug>/", "GET", "200 200 200 200 404 404 200 404 302", args=DEPARTMENT),
    Row(
        "departments/<slug:slug>/quota/",
        "POST",
        "403 403 403 403 404 404 302 404 302",
        args=DEPARTMENT,
        body={"cpu_hours": "10"},
        form=True,
    ),
    Row("departments/<slug:slug>/audit/", "GET", "403 403 403 200 404 404 200 404 302", args=DEPARTMENT),
    Row(
        "departments/<slug:slug>/members/",
        "POST",
        "403 403 403 302 404 404 302 404 302",
        args=DEPARTMENT,
        body={"username": "mallory", "role": "viewer"},
        form=True,
    ),
    Row(
        "departments/<slug:slug>/members/<uuid:id>/remove/",
        "POST",
        "403 403 403 404 404 404 404 404 302",
        args={**DEPARTMENT, "id": NOTHING},
        form=True,
    ),
    Row("grants/<uuid:id>/", "GET", "200 200 200 200 404 200 200 404 302", args=GRANT),
    Row(
        "grants/<uuid:id>/revoke/",
        "POST",
        "403 403 403 302 404 403 302 404 302",
        args=GRANT,
        body={"choice": "freeze"},
        form=True,
    ),
    Row(
        "grants/<uuid:id>/extend/",
        "POST",
        "403 403 403 403 404 403 403 404 302",
        args=GRANT,
        body={"days": "60"},
        form=True,
    ),
    Row("grants/<uuid:id>/lift/", "POST", "403 403 403 409 404 403 409 404 302", args=GRANT, form=True),
    Row("notices/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("notices/read/", "POST", "302 302 302 302 302 302 302 302 302", form=True),
    Row("notices/<uuid:id>/", "GET", "404 404 404 302 404 404 404 404 302", args={"id": "notice.pk"}),
    Row("settings/notices/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("settings/notices/", "POST", "302 302 302 302 302 302 302 302 302", body={"email": "a@example.org"}, form=True),
    Row("admin/", "GET", ADMIN),
    Row("admin/departments/", "GET", ADMIN),
    Row(
        "admin/departments/",
        "POST",
        "404 404 404 404 404 404 302 404 302",
        body={"name": "Legal", "slug": "legal"},
        form=True,
    ),
    Row("admin/people/", "GET", ADMIN),
    Row("admin/people/", "POST", ADMIN, body={"username": "frank"}, form=True),
    Row("admin/people/<uuid:id>/link/", "POST", ADMIN, args={"id": "token.person_id"}, form=True),
    Row(
        "admin/people/<uuid:id>/active/",
        "POST",
        "404 404 404 404 404 404 302 404 302",
        args={"id": "token.person_id"},
        form=True,
    ),
    Row("admin/audit/check/", "POST", "404 404 404 404 404 404 302 404 302", form=True),
    Row("admin/audit/", "GET", ADMIN),
]
