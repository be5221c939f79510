"""Monitoring, alerts and their rules over REST. For members of the owning department."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require
from departments.api.viewsets import ActorMixin, AtriumViewSet
from serving.alerts import services
from serving.alerts.kinds import KINDS
from serving.models import Alert, AlertRule, Deployment
from serving.monitoring.report import Report, drift_as_json, report_of
from serving.monitoring.windows import DEFAULT, WINDOWS
from serving.ownership import require_own

RULED = [name for name, kind in KINDS.items() if kind.rule]


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """One problem of a deployment."""

    deployment = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    kind = serializers.ChoiceField(choices=list(KINDS), read_only=True)
    state = serializers.ChoiceField(choices=["raised", "acknowledged", "closed"], read_only=True)
    text = serializers.CharField(read_only=True)
    acknowledged_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    closed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Alert
        fields = (
            "id", "deployment", "department", "kind", "severity", "state", "text", "message", "details", "opened_at",
            "seen_at", "acknowledged_at", "acknowledged_by", "closed_at", "closed_by",
        )  # fmt: skip
        read_only_fields = fields


class AlertRuleSerializer(serializers.ModelSerializer[AlertRule]):
    """From when on something is a problem. `hours` is the window, 0 for the last ten minutes."""

    kind = serializers.ChoiceField(choices=RULED)
    hours = serializers.IntegerField(required=False)

    class Meta:
        model = AlertRule
        fields = ("kind", "is_on", "threshold", "hours")


class CallerSerializer(serializers.Serializer[Any]):
    person = serializers.CharField()
    token = serializers.CharField(help_text="Its name; empty for calls from the browser.")
    department = serializers.CharField()
    calls = serializers.IntegerField()
    rows = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of all rows.")


class MonitoringSerializer(serializers.Serializer[Any]):
    """One window's figures. Durations are in microseconds, p-values corrected over all tests of the window (Holm)."""

    window = serializers.ChoiceField(choices=list(WINDOWS))
    calls = serializers.IntegerField()
    rows = serializers.IntegerField()
    refused = serializers.DictField(child=serializers.IntegerField(), help_text="Calls by status.")
    error_share = serializers.FloatField(allow_null=True)
    latency = serializers.DictField()
    drift = serializers.ListField(child=serializers.DictField(), help_text="By column, the most changed first.")
    answers = serializers.DictField(allow_null=True, help_text="The same of the answers.")
    not_compared = serializers.CharField(help_text="no_reference, few_rows, or empty.")
    performance = serializers.DictField()
    callers = CallerSerializer(many=True)
    alerts = AlertSerializer(many=True)


def monitoring_as_json(report: Report) -> dict[str, Any]:
    window, found = report.window, report.performance
    return {
        "window": report.name,
        "calls": window.calls,
        "rows": window.rows,
        "refused": {str(status): calls for status, calls in window.refused.items()},
        "error_share": window.error_share,
        "latency": {
            "median": window.median, "p95": window.p95,
            "histogram": [{"from": low, "to": high, "calls": calls} for low, high, calls in report.buckets],
        },
        "drift": [drift_as_json(each, report.threshold) for each in report.drifts],
        "answers": drift_as_json(report.answers, report.threshold) if report.answers else None,
        "not_compared": report.why_no_drift,
        "performance": {
            "metric": found.metric, "tested": found.tested, "truths": found.overall.count, "value": found.overall.value,
            "low": found.overall.low, "high": found.overall.high,
            "daily": [
                {"day": day.isoformat(), "truths": each.count, "value": each.value, "low": each.low, "high": each.high}
                for day, each in found.daily
            ],
        },
        "callers": report.callers,
        "alerts": report.alerts,
    }  # fmt: skip


class _Own(ActorMixin):
    """Views of one deployment for members of its department."""

    def deployment(self, name: str, verb: Verb = Verb.DISCOVER) -> Deployment:
        visible = Deployment.objects.visible_to(self.actor).select_related("department", "model_version__model")
        found: Deployment = get_object_or_404(visible, name=name)
        require(self.actor, verb, found)
        require_own(self.actor, found)
        return found


class Monitoring(_Own):
    """What a deployment was asked and how it did."""

    @extend_schema(
        operation_id="deployments_monitoring",
        parameters=[OpenApiParameter("window", str, enum=list(WINDOWS), default=DEFAULT)],
        responses=MonitoringSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """Drift, performance, errors, latency and callers of the last hour, day or week, in whole clock hours."""
        report = report_of(self.deployment(name), request.query_params.get("window", DEFAULT))
        return Response(MonitoringSerializer(monitoring_as_json(report)).data)


class AlertRules(_Own):
    """From when on something is a problem."""

    @extend_schema(operation_id="deployments_alert_rules", responses=AlertRuleSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        """Every rule, as it is set or by default."""
        return Response(self._shown(self.deployment(name)))

    @extend_schema(
        operation_id="deployments_alert_rules_set",
        request=AlertRuleSerializer,
        responses=AlertRuleSerializer(many=True),
    )
    def put(self, request: Request, name: str) -> Response:
        """Set one rule. Needs the role engineer."""
        deployment = self.deployment(name, Verb.DEPLOY)
        asked = AlertRuleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = {"is_on": True, **asked.validated_data}
        services.set_rule(actor=self.actor, deployment=deployment, **given)
        return Response(self._shown(deployment))

    def _shown(self, deployment: Deployment) -> Any:
        return AlertRuleSerializer(list(services.rules_of(deployment).values()), many=True).data


class AlertFilter(filters.FilterSet):
    """?deployment=loans&kind=drift&open=true"""

    deployment = filters.CharFilter(field_name="deployment__name")
    open = filters.BooleanFilter(field_name="closed_at", lookup_expr="isnull")

    class Meta:
        model = Alert
        fields = ("deployment", "kind", "severity")


class AlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Problems of one's own departments' deployments."""

    model = Alert
    queryset = Alert.objects.none()
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    ordering = ("-opened_at", "-pk")
    ordering_fields = ("opened_at",)

    def get_queryset(self) -> QuerySet[Alert]:
        found: QuerySet[Alert] = super().get_queryset()
        return found.select_related("deployment", "department", "acknowledged_by", "closed_by")

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, id: str) -> Response:
        """Say that somebody looks after it. Needs the role engineer."""
        return Response(AlertSerializer(services.acknowledge(actor=self.actor, alert=self.get_object())).data)

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, id: str) -> Response:
        """Say that it is over; it opens again if it is not. Needs the role engineer."""
        return Response(AlertSerializer(services.close_alert(self.get_object(), actor=self.actor)).data)
