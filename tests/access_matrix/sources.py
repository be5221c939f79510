"""Sources and feeds: analysts and above of the owning department work with them; nobody else knows of them."""

from tests.access_matrix import Row

ID = {"id": "source.pk"}
FEED = {"id": "feed.pk"}
# Alice, Emil and Mona may import data into Credit Risk. Viewers and admins do not see its sources.
OK, MADE, TAKEN, DONE = (f"{code} 404 {code} {code} 404 404 404 404 401" for code in (200, 201, 202, 204))
NEW = {"name": "Shop", "department": "credit-risk", "connector": "postgresql",
       "params": {"host": "db.invalid", "database": "shop", "user": "reader"}}  # fmt: skip
PAGE = "200 404 200 200 404 404 404 404 302"
ACT = PAGE.replace("200", "302")
DATASET = {"id": "dataset.pk"}
ADMIN = "404 404 404 404 404 404 {} 404 302"

ROWS = [
    Row("api/v1/connectors/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/sources/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/sources/", "POST", "201 403 201 201 404 404 404 404 401", body=NEW),
    Row("api/v1/sources/<uuid:id>/", "GET", OK, args=ID),
    Row("api/v1/sources/<uuid:id>/", "PATCH", OK, args=ID, body={"name": "N"}),
    Row("api/v1/sources/<uuid:id>/", "DELETE", OK.replace("200", "409"), args=ID),
    Row("api/v1/sources/<uuid:id>/check/", "POST", TAKEN, args=ID),
    Row("api/v1/sources/<uuid:id>/tables/", "GET", OK, args=ID),
    Row("api/v1/sources/<uuid:id>/datasets/", "POST", MADE, args=ID, body={"table": "public.x", "name": "From x"}),
    Row("api/v1/feeds/", "GET", "200 200 200 200 200 200 200 200 401"),
    Row("api/v1/feeds/<uuid:id>/", "GET", OK, args=FEED),
    Row("api/v1/feeds/<uuid:id>/", "PATCH", OK, args=FEED, body={"is_paused": True}),
    Row("api/v1/feeds/<uuid:id>/", "DELETE", DONE, args=FEED),
    Row("api/v1/feeds/<uuid:id>/refresh/", "POST", TAKEN, args=FEED),
    Row("datasets/sources/", "GET", "200 200 200 200 200 200 200 200 302"),
    Row("datasets/sources/new/", "GET", "200 403 200 200 200 200 403 403 302", query="?connector=postgresql"),
    Row("datasets/sources/new/", "POST", "200 403 200 200 200 200 403 403 302", form=True),
    Row("datasets/sources/<uuid:id>/", "GET", PAGE, args=ID),
    Row("datasets/sources/<uuid:id>/state/", "GET", PAGE, args=ID),
    Row("datasets/sources/<uuid:id>/check/", "POST", ACT, args=ID, form=True),
    Row("datasets/sources/<uuid:id>/edit/", "GET", PAGE, args=ID),
    Row("datasets/sources/<uuid:id>/edit/", "POST", PAGE.replace("200", "422"), args=ID, body={"name": ""}, form=True),
    Row("datasets/sources/<uuid:id>/delete/", "POST", ACT, args=ID, form=True),
    Row("datasets/sources/<uuid:id>/import/", "GET", PAGE, args=ID),
    Row(
        "datasets/sources/<uuid:id>/import/", "POST", PAGE.replace("200", "422"), args=ID, body={"name": ""}, form=True
    ),
    Row("datasets/<uuid:id>/schedule/", "GET", PAGE, args=DATASET),
    Row("datasets/<uuid:id>/schedule/", "POST", ACT, args=DATASET, body={"every": "never", "mode": "full"}, form=True),
    Row("datasets/<uuid:id>/refresh/", "POST", ACT, args=DATASET, form=True),
    Row("datasets/<uuid:id>/pause/", "POST", ACT, args=DATASET, body={"paused": "1"}, form=True),
    Row("datasets/<uuid:id>/detach/", "POST", ACT, args=DATASET, form=True),
    Row("admin/connections/", "GET", ADMIN.format(200)),
    Row("admin/connections/", "POST", ADMIN.format(302), body={"entry": "10.0.0.0/8"}, form=True),
    Row("admin/connections/<int:id>/remove/", "POST", ADMIN.format(302), args={"id": "allowance.pk"}, form=True),
]
