"""Jobs over REST: follow them and steer them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb
from departments.api.viewsets import AtriumViewSet
from jobs import services
from jobs.api.serializers import JobDetailSerializer, JobLineSerializer, JobSerializer
from jobs.log import tail
from jobs.models import Job, JobLog, JobState


class JobFilter(django_filters.FilterSet):
    """The fixed list of what jobs can be narrowed by."""

    department = django_filters.CharFilter(field_name="department__slug")
    state = django_filters.ChoiceFilter(choices=JobState.choices)
    kind = django_filters.CharFilter()
    about = django_filters.UUIDFilter(field_name="about_id")
    created_by = django_filters.CharFilter(field_name="created_by__username")

    class Meta:
        model = Job
        fields: list[str] = []


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """What workers do, have done and will do for the caller's departments."""

    model = Job
    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    ordering_fields = ("created_at", "finished_at")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().with_what_lists_show()  # type: ignore[attr-defined,no-any-return]

    @extend_schema(responses=JobDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One job with its progress, its error and the end of its log."""
        return self._detail(self.object(Verb.DISCOVER))

    @extend_schema(responses=JobLineSerializer(many=True))
    @action(detail=True, filterset_class=None, ordering=("pk",), ordering_fields=("at",))
    def log(self, request: Request, id: Any) -> Response:
        """The whole log, oldest line first."""
        lines = JobLog.objects.filter(job=self.object(Verb.PREVIEW))
        return self.get_paginated_response(JobLineSerializer(self.paginate_queryset(lines), many=True).data)

    @extend_schema(request=None, responses={202: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: Any) -> Response:
        """End the job and discard what it made."""
        return self._signal("cancel")

    @extend_schema(request=None, responses={202: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: Any) -> Response:
        """Leave the job where it is and free its worker."""
        return self._signal("pause")

    @extend_schema(request=None, responses={202: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: Any) -> Response:
        """Go on where the job was paused."""
        return self._signal("resume")

    @extend_schema(request=None, responses={202: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: Any) -> Response:
        """End the job now and keep the best that it has."""
        return self._signal("stop")

    def _signal(self, name: str) -> Response:
        services.signal(self.object(Verb.EDIT), name)
        return self._detail(self.get_object(), status.HTTP_202_ACCEPTED)

    def _detail(self, job: Job, code: int = status.HTTP_200_OK) -> Response:
        context = {**self.get_serializer_context(), "tail": tail(self.actor, job)}
        return Response(JobDetailSerializer(job, context=context).data, status=code)
