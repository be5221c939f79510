"""The review queue over REST."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from audit.services import record
from departments.api.viewsets import AtriumViewSet
from serving.review.models import ReviewItem, ReviewState
from serving.review.services import MAX_NOTE, assign, settle


class ReviewSerializer(serializers.ModelSerializer[ReviewItem]):
    """A case. `decision` is null while it is open."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    deployment = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    request_id = serializers.UUIDField(source="prediction.request_id", read_only=True)
    answered = serializers.JSONField(read_only=True)
    decision = serializers.JSONField(read_only=True, allow_null=True)
    assignee = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = ReviewItem
        fields: tuple[str, ...] = (
            "id", "department", "deployment", "request_id", "instance", "answered", "probability", "rule", "state",
            "assignee", "due_at", "decision", "note", "is_truth", "decided_by", "decided_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ReviewDetailSerializer(ReviewSerializer):
    """With the inputs that were sent and the answer as it left."""

    inputs = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField()

    class Meta(ReviewSerializer.Meta):
        fields = (*ReviewSerializer.Meta.fields, "inputs", "answer")
        read_only_fields = fields

    @extend_schema(responses=serializers.DictField())
    def get_inputs(self, item: ReviewItem) -> dict[str, Any]:
        return item.prediction.instances[item.instance]  # type: ignore[no-any-return]

    def get_answer(self, item: ReviewItem) -> dict[str, Any]:
        return item.prediction.answers[item.instance]  # type: ignore[no-any-return]


class AssignSerializer(serializers.Serializer[Any]):
    """Whose case it is; null lays it back."""

    person = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all(), allow_null=True)


class SettleSerializer(serializers.Serializer[Any]):
    decision = serializers.JSONField(help_text="A class of the model, or a number.")
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    is_truth = serializers.BooleanField(default=False, help_text="Keep it as the outcome too: it is what really is.")


class ReviewFilter(django_filters.FilterSet):
    """?state=open&deployment=credit-scoring&assignee=alice"""

    state = django_filters.ChoiceFilter(choices=ReviewState.choices)
    deployment = django_filters.CharFilter(field_name="deployment__name")
    assignee = django_filters.CharFilter(field_name="assignee__username")

    class Meta:
        model = ReviewItem
        fields = ("state", "deployment", "assignee")


class ReviewViewSet(mixins.ListModelMixin, AtriumViewSet):
    """Answers that wait for a person, of the departments that the caller belongs to."""

    model = ReviewItem
    queryset = ReviewItem.objects.none()
    serializer_class = ReviewSerializer
    filterset_class = ReviewFilter
    ordering = ("due_at", "pk")
    ordering_fields = ("due_at", "created_at")

    def get_queryset(self) -> QuerySet[ReviewItem]:
        found = super().get_queryset()
        related = ("department", "deployment", "prediction", "assignee", "decided_by")
        if self.action == "list":
            return found.select_related(*related).defer("prediction__instances", "prediction__answers")
        return found.select_related(*related, "prediction__model_version")

    def _shown(self) -> Response:
        return Response(ReviewDetailSerializer(self.get_object(), context=self.get_serializer_context()).data)

    @extend_schema(responses=ReviewDetailSerializer)
    def retrieve(self, request: Request, id: str) -> Response:
        """One case, with its inputs. Reading it is recorded."""
        item = self.get_object()
        record("review.read", item, details={"request_id": str(item.prediction.request_id)})
        return self._shown()

    @extend_schema(request=AssignSerializer, responses=ReviewDetailSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, id: str) -> Response:
        """Take the case, give it to a colleague, or lay it back (null). Analysts and up."""
        item = self.get_object()
        asked = AssignSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        assign(actor=self.actor, item=item, person=asked.validated_data["person"])
        return self._shown()

    @extend_schema(request=SettleSerializer, responses=ReviewDetailSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, id: str) -> Response:
        """Decide the case, once: 409 where it is decided already (`decided`) or a colleague has it (`taken`)."""
        item = self.get_object()
        asked = SettleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        settle(actor=self.actor, item=item, **asked.validated_data)
        return self._shown()
