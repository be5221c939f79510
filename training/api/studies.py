"""Studies and their trials over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb
from departments.api.viewsets import AtriumViewSet
from training import studies, study_steering
from training.api.runs import named_objects
from training.api.serializers import (
    ModelVersionRefSerializer,
    PromoteSerializer,
    StudyDetailSerializer,
    StudyRequestSerializer,
    StudyResumeSerializer,
    StudySerializer,
    TrialSerializer,
)
from training.models import Study


class StudyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Tuning studies of the caller's departments."""

    model = Study
    queryset = Study.objects.none()
    serializer_class = StudySerializer
    ordering: tuple[str, ...] = ("-created_at", "-pk")
    ordering_fields = ("created_at", "finished_at", "name")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("department", "dataset_version__dataset", "created_by")

    @extend_schema(responses=StudyDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._detail(self.object(Verb.DISCOVER), status.HTTP_200_OK)

    @extend_schema(request=StudyRequestSerializer, responses={202: StudyDetailSerializer})
    def create(self, request: Request) -> Response:
        """Start a study. Its best trial becomes a model version at the end."""
        asked = StudyRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        study = studies.start_study(
            actor=self.actor,
            **named_objects(self.actor, values),
            request=asked.request(),
            search=values.get("search"),
            trials=values["trials"],
            options=asked.options(),
            name=values.get("name", ""),
        )
        return self._detail(study)

    @extend_schema(responses=TrialSerializer(many=True))
    @action(detail=True, ordering=("number", "pk"), ordering_fields=("number", "value"))
    def trials(self, request: Request, id: Any) -> Response:
        """The study's trials."""
        study = self.object(Verb.DISCOVER)
        trials = study.trials.select_related("run__job", "run__model_version__model")
        page = self.paginate_queryset(trials)
        return self.get_paginated_response(TrialSerializer(page, many=True, context=self.get_serializer_context()).data)

    @extend_schema(request=None, responses={202: StudyDetailSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: Any) -> Response:
        """Begin no further trial and keep the best so far."""
        return self._signal("stop")

    @extend_schema(request=None, responses={202: StudyDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: Any) -> Response:
        """End the study and register nothing."""
        return self._signal("cancel")

    @extend_schema(request=StudyResumeSerializer, responses={202: StudyDetailSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: Any) -> Response:
        """Go on with an ended study: more trials, which learn from all that were made."""
        study = self.object(Verb.TRAIN)
        asked = StudyResumeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._detail(
            study_steering.resume_study(actor=self.actor, study=study, trials=asked.validated_data["trials"])
        )

    @extend_schema(request=PromoteSerializer, responses={200: ModelVersionRefSerializer})
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, id: Any) -> Response:
        """Make the model version of the best trial, or of the one that is named. Asked again, it is the same one."""
        study = self.object(Verb.TRAIN)
        asked = PromoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        version = study_steering.promote_trial(
            actor=self.actor, study=study, number=values.get("trial"), model_name=values.get("model_name", "")
        )
        return Response(ModelVersionRefSerializer(version).data)

    def _signal(self, name: str) -> Response:
        study = self.object(Verb.TRAIN)
        return self._detail(study_steering.signal_study(actor=self.actor, study=study, signal=name))

    def _detail(self, study: Study, code: int = status.HTTP_202_ACCEPTED) -> Response:
        return Response(StudyDetailSerializer(study, context=self.get_serializer_context()).data, status=code)
