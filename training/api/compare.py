"""GET runs/compare/: one metric of up to a hundred runs, small enough to draw at once; or each of its points as CSV."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from departments.api.viewsets import ActorMixin
from rest.problems import invalid
from rest.streams import download
from training.comparison import MOST, chosen, curves_csv
from training.curves import KEPT, Curve, overlay, rounded

# Points in one answer, over all its runs: about 250 kB of JSON.
BUDGET = 25_000


class ComparedCurveSerializer(serializers.Serializer[Any]):
    """`steps` are differences: each is how far its point lies after the one before."""

    id = serializers.UUIDField()
    steps = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=serializers.FloatField())


class ComparedSerializer(serializers.Serializer[Any]):
    """One metric's curves. Runs in `pending` have not been read yet: ask again."""

    metric = serializers.CharField()
    metrics = serializers.ListField(child=serializers.CharField())
    runs = ComparedCurveSerializer(many=True)
    pending = serializers.ListField(child=serializers.UUIDField())


class CompareRuns(ActorMixin, APIView):
    """The curves of several runs over each other, down-sampled so that minima and maxima stay."""

    @extend_schema(
        parameters=[
            OpenApiParameter("ids", str, required=True, description=f"Run ids, separated by commas; {MOST} at most."),
            OpenApiParameter("metric", str, description="Without: the validation loss that most of them have."),
            OpenApiParameter("as", str, enum=["json", "csv"], description="csv: every point, a line each."),
        ],
        responses={200: ComparedSerializer, (200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponseBase:
        texts = [text for text in request.query_params.get("ids", "").split(",") if text]
        if not 1 <= len(texts) <= MOST:
            raise invalid("ids", f"got {len(texts)} ids; expected 1 to {MOST}, separated by commas")
        runs = chosen(self.actor, texts)
        if len(runs) < len(set(texts)):
            raise Http404
        metric = request.query_params.get("metric", "")[:200]
        if request.query_params.get("as") == "csv":
            parts = curves_csv(runs, metric)
            return download(request._request, parts, name="curves.csv", content_type="text/csv; charset=utf-8")
        found = overlay(runs, metric, points=min(KEPT, BUDGET // len(runs)))
        curves = [{"id": key, **_short(curve)} for key, curve in found.curves.items()]
        return Response({"metric": found.metric, "metrics": found.metrics, "runs": curves, "pending": found.pending})


def _short(curve: Curve) -> dict[str, Any]:
    whole = curve.steps.astype(int)
    apart = [*whole[:1].tolist(), *(whole[1:] - whole[:-1]).tolist()]
    return {"steps": apart, "values": rounded(curve.values)}
