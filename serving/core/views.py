"""What the prediction core counts, for Prometheus."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import ApiToken
from departments.access import Actor
from rest.problems import Refused
from serving.api.lean import LeanView
from serving.core.metrics import METRICS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(LeanView):
    """Counts of this process, for the token or session of a platform admin; for everyone where the setting says so."""

    schema = None

    def _caller(self, request: HttpRequest) -> tuple[Actor, ApiToken | None]:
        return (Actor(is_platform_admin=True), None) if settings.METRICS_OPEN else super()._caller(request)

    def get(self, request: HttpRequest, actor: Actor, token: ApiToken | None) -> HttpResponse:
        if not actor.is_platform_admin:
            detail = _("The metrics are for platform admins. Use a token of one of them, or set ATRIUM_METRICS_OPEN.")
            raise Refused("not-platform-admin", detail, status=403)
        return HttpResponse(METRICS.text(), content_type=CONTENT_TYPE)
