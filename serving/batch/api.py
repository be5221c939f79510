"""Batches over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from datasets.models import Dataset
from departments.access import Verb, require
from departments.api.viewsets import ActorMixin
from departments.models import Department
from rest.idempotency import IdempotentMixin
from rest.problems import invalid
from serving.batch.models import BatchPrediction
from serving.batch.services import batches_of, predict_dataset
from serving.models import Deployment


class TableSerializer(serializers.Serializer[Any]):
    """A version of a data set."""

    dataset = serializers.UUIDField(source="dataset_id")
    name = serializers.CharField(source="dataset.name")
    version = serializers.IntegerField(source="number")


class BatchSerializer(serializers.ModelSerializer[BatchPrediction]):
    """`rows` were answered, `rejected_rows` could not be read: both null until it has ended. `job` tells of progress."""

    deployment = serializers.CharField(source="deployment.name", read_only=True)
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    model_version = serializers.UUIDField(source="model_version_id", read_only=True)
    source = TableSerializer(read_only=True, allow_null=True)  # type: ignore[assignment]
    result = TableSerializer(read_only=True, allow_null=True)
    state = serializers.CharField(read_only=True)
    rows = serializers.IntegerField(source="result.rows", read_only=True, allow_null=True, default=None)
    rejected_rows = serializers.IntegerField(
        source="result.rejected_rows", read_only=True, allow_null=True, default=None
    )
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    keep = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = BatchPrediction
        fields = (
            "id", "deployment", "department", "model_version", "source", "result", "state", "rows", "rejected_rows",
            "keep", "job", "created_at", "created_by",
        )  # fmt: skip
        read_only_fields = fields


class AskSerializer(serializers.Serializer[Any]):
    """The table to be answered, and what is kept of it."""

    dataset = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, required=False, help_text="The newest that is ready, if left out.")
    keep = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, max_length=5000,
        help_text="The columns that the result repeats beside the predictions; all of them if left out.",
    )  # fmt: skip
    name = serializers.CharField(max_length=120, required=False, help_text="Of the data set that results.")
    department = serializers.SlugRelatedField(
        slug_field="slug", queryset=Department.objects.all(), required=False, help_text="Which keeps the result."
    )


class _Batches(ActorMixin, GenericAPIView):
    queryset = BatchPrediction.objects.none()
    serializer_class = BatchSerializer
    filter_backends = ()

    def _deployment(self, name: str) -> Deployment:
        found = Deployment.objects.visible_to(self.actor).select_related("department", "model_version__model")
        deployment: Deployment = get_object_or_404(found, name=name)
        require(self.actor, Verb.DISCOVER, deployment)
        return deployment

    def _batches(self, name: str) -> QuerySet[BatchPrediction]:
        return batches_of(self.actor, self._deployment(name))


class BatchPredictions(IdempotentMixin, _Batches):
    """Whole tables answered by a job."""

    method_scopes: ClassVar = {"POST": frozenset({Scope.WRITE})}
    ordering_fields = ("created_at",)

    @extend_schema(operation_id="deployments_batches_list", responses=BatchSerializer(many=True), filters=False)
    def get(self, request: Request, name: str) -> Response:
        """The batches whose results your departments keep, newest first."""
        page = self.paginate_queryset(self._batches(name))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="deployments_batches_create", request=AskSerializer, responses={202: BatchSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Answer every row of a data set's version into a data set, by a job.

        The table's columns are checked against what the model reads first (422 `columns_do_not_fit`). Rows that cannot
        be read are kept as rejected rows of the result, each with the reason. Needs the verb predict on the deployment and
        rows that may be copied: of another department's data set, by a grant with export.
        """
        deployment = self._deployment(name)
        asked = AskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        dataset = Dataset.objects.visible_to(self.actor).filter(pk=given.pop("dataset")).first()
        if dataset is None:
            raise invalid("dataset", "there is no such data set, or none that you may see")
        batch = predict_dataset(actor=self.actor, deployment=deployment, dataset=dataset, **given)
        return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)


class BatchPredictionDetail(_Batches):
    """One batch."""

    @extend_schema(operation_id="deployments_batches_retrieve", responses=BatchSerializer)
    def get(self, request: Request, name: str, id: Any) -> Response:
        """A batch: its state, the rows that were answered and rejected, and the data set that came of it."""
        return Response(self.get_serializer(get_object_or_404(self._batches(name), pk=id)).data)
