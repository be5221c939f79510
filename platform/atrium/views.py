"""Endpoints that look across all apps: probes, the API's root, health."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.models import Job, JobState


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """The process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready"})


class RootSerializer(serializers.Serializer[Any]):
    """Links to begin with."""

    me = serializers.URLField()
    departments = serializers.URLField()
    datasets = serializers.URLField()
    runs = serializers.URLField()
    models = serializers.URLField()
    deployments = serializers.URLField()
    jobs = serializers.URLField()
    schema = serializers.URLField()
    docs = serializers.URLField()


class ApiRoot(APIView):
    """Where to begin."""

    permission_classes = [AllowAny]

    @extend_schema(responses=RootSerializer)
    def get(self, request: Request) -> Response:
        here = request.build_absolute_uri()
        return Response({name: f"{here}{name}/" for name in RootSerializer().fields})


class HealthSerializer(serializers.Serializer[Any]):
    """`status` is "ok", or "degraded" when jobs wait although their lease ran out."""

    status = serializers.ChoiceField(choices=["ok", "degraded"])
    jobs_queued = serializers.IntegerField()
    jobs_running = serializers.IntegerField()
    jobs_stuck = serializers.IntegerField()


class Health(APIView):
    """Whether the platform's parts work: counts only, open to monitoring."""

    permission_classes = [AllowAny]

    @extend_schema(responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        overdue = timezone.now() - timedelta(seconds=2 * settings.JOB_LEASE)
        counts = Job.objects.aggregate(
            jobs_queued=Count("pk", filter=Q(state=JobState.QUEUED)),
            jobs_running=Count("pk", filter=Q(state=JobState.RUNNING)),
            jobs_stuck=Count("pk", filter=Q(state=JobState.RUNNING, lease_expires_at__lt=overdue)),
        )
        return Response({"status": "degraded" if counts["jobs_stuck"] else "ok", **counts})
