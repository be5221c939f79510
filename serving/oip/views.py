"""The routes under /v2: health, metadata and inference for clients that speak the Open Inference Protocol."""

from __future__ import annotations

from importlib.metadata import version as version_of

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.models import ApiToken
from departments.access import Actor, Verb, require
from serving import limits, predicting, snapshots
from serving.api.lean import LeanView
from serving.api.views import deployment_of
from serving.asking import MOST_BYTES
from serving.oip.infer import chosen, in_words, infer
from serving.runtime import oip


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ready": True})


@require_safe
def server(request: HttpRequest) -> HttpResponse:
    """Which server this is, and what it speaks beyond the protocol's core."""
    return JsonResponse({"name": "atrium", "version": version_of("atrium"), "extensions": list(oip.EXTENSIONS)})


@csrf_exempt
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    return JsonResponse({"error": _("There is nothing here, or nothing that you may see.")}, status=404)


class ProtocolView(LeanView):
    """As the native endpoint, with refusals in the protocol's words. It describes itself, so OpenAPI leaves it out."""

    schema = None

    def _refuse(self, exc: Exception, request: HttpRequest) -> HttpResponse:
        if isinstance(exc, oip.Malformed):
            return JsonResponse({"error": str(exc)}, status=exc.status)
        answer = super()._refuse(exc, request)
        status, words = in_words(orjson.loads(answer.content))
        kept = {name: answer[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in answer}
        return JsonResponse(words, status=status, headers=kept)


class Metadata(ProtocolView):
    """What a deployment reads and answers."""

    def get(
        self, request: HttpRequest, actor: Actor, token: ApiToken | None, name: str, number: str = ""
    ) -> HttpResponse:
        deployment = deployment_of(name)
        require(actor, Verb.PREDICT, deployment)
        snapshot = chosen(snapshots.build(deployment), number)
        predictor = snapshot.champion.predictor
        told = oip.metadata(name, [str(snapshot.champion.number)], predictor.inputs, predictor.classes)
        return HttpResponse(orjson.dumps(told), content_type="application/json")


class ModelReady(ProtocolView):
    """Whether a deployment would answer now: paused, or with a damaged model, it says why not."""

    def get(
        self, request: HttpRequest, actor: Actor, token: ApiToken | None, name: str, number: str = ""
    ) -> HttpResponse:
        deployment = deployment_of(name)
        require(actor, Verb.DISCOVER, deployment)
        chosen(snapshots.opened(deployment), number)
        return JsonResponse({"name": name, "ready": True})


class Infer(ProtocolView):
    """The endpoint that answers."""

    def post(
        self, request: HttpRequest, actor: Actor, token: ApiToken | None, name: str, number: str = ""
    ) -> HttpResponse:
        deployment = deployment_of(name)
        decision = require(actor, Verb.PREDICT, deployment)
        self.admitted = deployment.name
        limits.require(str(actor.person_id))
        caller = predicting.Caller(
            person=str(actor.person_id),
            username=actor.username,
            token=str(token.pk) if token else None,
            address=request.META.get("REMOTE_ADDR", "")[:45],
            rule=decision.rule,
        )
        reply = infer(
            snapshot=chosen(snapshots.opened(deployment), number),
            body=_body(request),
            header_length=request.headers.get(oip.HEADER),
            caller=caller,
            started=self.arrived,
        )
        return _sent(reply, request.headers.get("Accept-Encoding", ""))


def _body(request: HttpRequest) -> bytes:
    try:
        return oip.inflate(request.body, request.headers.get("Content-Encoding", ""), MOST_BYTES)
    except RequestDataTooBig:
        raise oip.Malformed(_("The body is larger than 16 MB; send fewer instances."), 413) from None


def _sent(reply: oip.Reply, accepted: str) -> HttpResponse:
    body, encoding = oip.deflate(reply.body, accepted)
    kind = "application/json" if reply.header_length is None else "application/octet-stream"
    answer = HttpResponse(body, content_type=kind, headers={"Vary": "Accept-Encoding"})
    if reply.header_length is not None:
        answer[oip.HEADER] = str(reply.header_length)
    if encoding:
        answer["Content-Encoding"] = encoding
    return answer
