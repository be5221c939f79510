"""Webhooks: pages and API. Where events go is for the department's managers."""

from tests.access_matrix import Row

SLUG = {"slug": "departments.credit_risk.slug"}
ONE = {**SLUG, "id": "webhook.pk"}
AGAIN = {**ONE, "delivery": "webhook_delivery.pk"}
PAGE, API = "departments/<slug:slug>/webhooks/", "api/v1/departments/<slug:slug>/webhooks/"
PAGES, CALLS = "403 403 403 {} 404 404 {} 404 302", "403 403 403 {} 404 404 {} 404 401"
NEW = {"name": "new", "target": "http://203.0.113.1/", "events": ["run.finished"]}


def pages(status: int, method: str, route: str, args: dict[str, str], **more: object) -> Row:
    return Row(PAGE + route, method, PAGES.format(status, status), args=args, form=True, **more)


def calls(status: int, method: str, route: str, args: dict[str, str], **more: object) -> Row:
    return Row(API + route, method, CALLS.format(status, status), args=args, **more)


# Platform admins manage departments, and so what these tell to whom; the events themselves hold no values.
ROWS = [
    pages(200, "GET", "", SLUG),
    # The address is not a public one.
    pages(422, "POST", "", SLUG, body=NEW),
    pages(200, "GET", "<uuid:id>/", ONE),
    pages(422, "POST", "<uuid:id>/", ONE, body=NEW),
    pages(302, "POST", "<uuid:id>/test/", ONE),
    pages(200, "POST", "<uuid:id>/rotate/", ONE),
    pages(302, "POST", "<uuid:id>/active/", ONE, body={"active": "0"}),
    pages(302, "POST", "<uuid:id>/delete/", ONE),
    pages(302, "POST", "<uuid:id>/deliveries/<uuid:delivery>/again/", AGAIN),
    calls(200, "GET", "", SLUG),
    calls(422, "POST", "", SLUG, body=NEW),
    calls(200, "GET", "<uuid:id>/", ONE),
    calls(200, "PATCH", "<uuid:id>/", ONE, body={"is_active": False}),
    calls(204, "DELETE", "<uuid:id>/", ONE),
    calls(200, "POST", "<uuid:id>/rotate/", ONE),
    calls(202, "POST", "<uuid:id>/test/", ONE),
    calls(200, "GET", "<uuid:id>/deliveries/", ONE),
    calls(202, "POST", "<uuid:id>/deliveries/<uuid:delivery>/send-again/", AGAIN),
]
