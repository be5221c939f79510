"""Data sets: their pages and their API."""

from tests.access_matrix import Row

ID = {"id": "dataset.pk"}
LISTED = {"id": "listed.pk"}
VERSION = {**ID, "number": "version.number"}
GRANT = {**ID, "grant": "grant.pk"}
OPTIONS = {"source_version": 1, "options": {}}
CLINIC = {
    "department": "clinic",
    "verbs": ["preview"],
    "purpose": "study",
    "expires_on": "2099-01-01",
    "later": "on",
    "column-0": "on",
}
MANAGER = "403 403 403 200 404 403 403 404 302"
# What members and the grantee may see; what platform admins may know of, but not see.
SEE = "200 200 200 200 404 200 200 404"
READ = "200 200 200 200 404 200 403 404"
UPLOAD = {"id": "upload.pk"}
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
BEGIN = {**TUS, "Upload-Length": "9", "Upload-Metadata": "department Y3JlZGl0LXJpc2s="}
# An upload is its person's alone: Mona's.
OWN = "404 404 404 200 404 404 404 404 401"
UPLOADED = {"id": "uploaded.pk"}
WHOLE = "404 404 404 200 404 404 404 404 302"
PAGE_OF_TABS = ("preview", "columns", "quality", "recipe", "versions", "access", "used-by")

ERASURE = {"id": "erasure.pk"}
PERSON = {"department": "credit-risk", "subject": "zoe@example.org"}
# Forgetting a person is for managers; for everybody else there is nothing.
MANAGERS = "404 404 404 200 404 404 404 404"

OURS = "200 200 200 200 404 404 200 404 401"
LINEAGE = (
    ("version", "version.pk", f"{SEE} 401"), ("run", "run.pk", OURS), ("recipe", "recipe.pk", OURS),
    ("model", "model_version.pk", f"{SEE} 401"), ("deployment", "deployment.pk", f"{SEE} 401"),
)  # fmt: skip

ROWS = [
    Row("datasets/forget/<slug:slug>/", "GET", "403 403 403 200 404 404 200 404 302", args={"slug": "department.slug"}),
    Row(
        "datasets/forget/<slug:slug>/", "POST", "403 403 403 302 404 404 302 404 302",
        args={"slug": "department.slug"}, body={"subject": "zoe@example.org"}, form=True,
    ),
    Row("datasets/erasures/<uuid:id>/", "GET", f"{MANAGERS} 302", args=ERASURE),
    Row("datasets/erasures/<uuid:id>/report/", "GET", f"{MANAGERS} 302", args=ERASURE),
    Row(
        "datasets/erasures/<uuid:id>/erase/", "POST", "404 404 404 302 404 404 404 404 302",
        args=ERASURE, body={"confirm": "erase"}, form=True,
    ),
    Row("datasets/erasures/<uuid:id>/drop/", "POST", "404 404 404 302 404 404 404 404 302", args=ERASURE, form=True),
    Row("api/v1/erasures/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/erasures/", "POST", "403 403 403 202 404 404 202 404 401", body=PERSON),
    Row("api/v1/erasures/<uuid:id>/", "GET", f"{MANAGERS} 401", args=ERASURE),
    Row("api/v1/erasures/<uuid:id>/", "DELETE", "404 404 404 204 404 404 404 404 401", args=ERASURE),
    Row(
        "api/v1/erasures/<uuid:id>/erase/", "POST", "404 404 404 202 404 404 404 404 401",
        args=ERASURE, body={"confirm": "erase"},
    ),
    Row("datasets/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("datasets/new/", "GET", "200 403 200 200 200 200 403 403 302"),
    Row("datasets/new/", "POST", "422 403 422 422 422 422 403 403 302", form=True),
    *(Row("datasets/<uuid:id>/", "GET", f"{SEE} 302", args=ID, query=f"?tab={tab}") for tab in PAGE_OF_TABS),
    *(
        Row("api/v1/lineage/", "GET", statuses, query=f"?kind={kind}&id={{{path}}}")
        for kind, path, statuses in LINEAGE
    ),
    Row("datasets/<uuid:id>/compare/", "GET", f"{READ} 302", args=ID),
    Row("api/v1/datasets/<uuid:id>/versions/<int:number>/diff/", "GET", f"{READ} 401", args=VERSION, query="?against=1"),
    Row("datasets/<uuid:id>/progress/", "GET", f"{SEE} 302", args=ID),
    Row("datasets/<uuid:id>/edit/", "POST", "302 403 302 302 404 403 403 404 302", args=ID, body={"name": "N"}, form=True),
    Row("datasets/<uuid:id>/delete/", "POST", "403 403 403 302 404 403 403 404 302", args=ID, form=True),
    Row("datasets/<uuid:id>/versions/", "POST", "422 403 422 422 404 403 403 404 302", args=ID, form=True),
    Row("datasets/<uuid:id>/versions/<int:number>/again/", "GET", "200 403 200 200 404 403 403 404 302", args=VERSION),
    Row(
        "datasets/<uuid:id>/versions/<int:number>/again/", "POST", "302 403 302 302 404 403 403 404 302",
        args=VERSION, body={"act": "import"}, form=True,
    ),
    Row("datasets/import/<uuid:id>/", "GET", WHOLE, args=UPLOADED),
    Row("datasets/import/<uuid:id>/", "POST", WHOLE.replace("200", "422"), args=UPLOADED, body={"act": "import"}, form=True),
    Row("datasets/import/<uuid:id>/delete/", "POST", WHOLE.replace("200", "302"), args=UPLOADED, form=True),
    Row("datasets/<uuid:id>/grants/", "GET", MANAGER, args=ID),
    Row("datasets/<uuid:id>/grants/draft/", "POST", MANAGER, args=ID, body=CLINIC, form=True),
    Row("datasets/<uuid:id>/grants/<uuid:grant>/", "GET", MANAGER, args=GRANT),
    Row(
        "datasets/<uuid:id>/grants/<uuid:grant>/", "POST", "403 403 403 302 404 403 403 404 302", args=GRANT,
        body=CLINIC, form=True,
    ),
    Row("datasets/<uuid:id>/grants/", "POST", "403 403 403 302 404 403 403 404 302", args=ID, body=CLINIC, form=True),
    *(
        Row("datasets/<uuid:id>/", "GET", "200 200 200 200 200 200 200 404 302", args=LISTED, query=f"?tab={tab}")
        for tab in PAGE_OF_TABS
    ),
    Row(
        "datasets/<uuid:id>/catalogue/", "POST", "403 403 403 302 404 403 403 404 302", args=ID, body={"listed": "1"},
        form=True,
    ),
    Row("api/v1/datasets/<uuid:id>/", "GET", "200 200 200 200 200 200 200 404 401", args=LISTED),
    Row("api/v1/datasets/<uuid:id>/", "PATCH", "403 403 403 200 404 403 403 404 401", args=ID, body={"listed": True}),
    Row("api/v1/datasets/<uuid:id>/versions/", "GET", "200 200 200 200 200 200 200 404 401", args=LISTED),
    *(
        Row(
            f"api/v1/datasets/<uuid:id>/versions/<int:number>/{part}/", "GET", "200 200 200 200 403 403 403 404 401",
            args={**LISTED, "number": "listed_version.number"},
        )
        for part in ("profile", "rows", "rejects", "download")
    ),
    Row("api/v1/datasets/<uuid:id>/grants/", "GET", "200 200 200 200 404 404 200 404 401", args=LISTED),
    Row("api/v1/datasets/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/datasets/", "POST", "422 422 422 422 422 422 422 422 401", form=True),
    Row("api/v1/datasets/<uuid:id>/", "GET", f"{SEE} 401", args=ID),
    Row("api/v1/datasets/<uuid:id>/", "PATCH", "200 403 200 200 404 403 403 404 401", args=ID, body={"name": "N"}),
    Row("api/v1/datasets/<uuid:id>/", "DELETE", "403 403 403 409 404 403 403 404 401", args=ID),
    Row("api/v1/datasets/<uuid:id>/versions/", "GET", f"{SEE} 401", args=ID),
    Row("api/v1/datasets/<uuid:id>/versions/", "POST", "201 403 201 201 404 403 403 404 401", args=ID, body=OPTIONS),
    Row("api/v1/datasets/<uuid:id>/versions/<int:number>/", "GET", f"{SEE} 401", args=VERSION),
    *(
        Row(f"api/v1/datasets/<uuid:id>/versions/<int:number>/{part}/", "GET", f"{READ} 401", args=VERSION)
        for part in ("profile", "rows", "rejects", "download")
    ),
    Row("api/v1/uploads/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/uploads/", "POST", "201 403 201 201 404 404 404 404 401", headers=BEGIN, body=b"a"),
    Row("api/v1/uploads/<uuid:id>/", "GET", OWN, args=UPLOAD),
    Row(
        "api/v1/uploads/<uuid:id>/", "PATCH", OWN.replace("200", "204"), args=UPLOAD,
        headers={**TUS, "Upload-Offset": "0"}, body=b"",
    ),
    Row("api/v1/uploads/<uuid:id>/preview/", "POST", OWN, args=UPLOADED),
    Row("api/v1/uploads/<uuid:id>/", "DELETE", OWN.replace("200", "204"), args=UPLOAD, headers=TUS),
    # Seeing as a grantee sees is for the owner's managers.
    *(
        Row(
            f"api/v1/datasets/<uuid:id>/versions/<int:number>/{part}", "GET", "403 403 403 200 404 403 403 404 401",
            args=VERSION, query="?view_as={grant.pk}",
        )
        for part in ("", "profile/", "rows/", "download/")
    ),
    Row("datasets/<uuid:id>/", "GET", "403 403 403 200 404 403 403 404 302", args=ID, query="?view_as={grant.pk}"),
    Row("api/v1/datasets/<uuid:id>/grants/", "GET", "200 200 200 200 404 404 200 404 401", args=ID),
    Row(
        "api/v1/datasets/<uuid:id>/grants/", "POST", "403 403 403 201 404 403 403 404 401",
        args=ID, body={"department": "retail", "verbs": ["discover"]},
    ),
]  # fmt: skip
