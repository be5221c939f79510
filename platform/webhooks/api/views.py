"""Webhooks over REST. Needs the role manager in the department."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require_in
from departments.api.viewsets import AtriumViewSet
from departments.models import Department
from webhooks import services
from webhooks.api.serializers import DeliverySerializer, WebhookSecretSerializer, WebhookSerializer
from webhooks.models import Delivery, Endpoint


class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Where a department's events go."""

    serializer_class = WebhookSerializer
    queryset = Endpoint.objects.none()
    ordering_fields = ("created_at", "name")

    def _department(self) -> Department:
        department = get_object_or_404(Department, slug=self.kwargs["slug"])
        require_in(self.actor, Verb.MANAGE, department)
        return department

    def get_queryset(self) -> QuerySet[Endpoint]:
        if getattr(self, "swagger_fake_view", False):
            return Endpoint.objects.none()
        return Endpoint.objects.filter(department=self._department()).select_related("department", "created_by")

    @extend_schema(request=WebhookSerializer, responses={201: WebhookSecretSerializer})
    def create(self, request: Request, slug: str) -> Response:
        """Have an address told of events. The answer holds the secret, which is not shown again."""
        department = self._department()
        asked = WebhookSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = {name: asked.validated_data[name] for name in ("name", "target", "events")}
        endpoint, secret = services.create_endpoint(actor=self.actor, department=department, **given)
        return Response({**self._shown(endpoint), "secret": secret}, status=status.HTTP_201_CREATED)

    @extend_schema(request=WebhookSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, slug: str, id: str) -> Response:
        """Rename it, point it elsewhere, choose other events, turn it on or off."""
        endpoint = self.get_object()
        self.check_if_match(request, self._shown(endpoint))
        asked = WebhookSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        return Response(
            self._shown(services.change_endpoint(actor=self.actor, endpoint=endpoint, **asked.validated_data))
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, slug: str, id: str) -> Response:
        """Take it away, with the log of its deliveries."""
        services.delete_endpoint(actor=self.actor, endpoint=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=WebhookSecretSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, slug: str, id: str) -> Response:
        """A new secret. The old one signs beside it for 24 hours."""
        endpoint = self.get_object()
        secret = services.rotate_secret(actor=self.actor, endpoint=endpoint)
        return Response({**self._shown(endpoint), "secret": secret})

    @extend_schema(request=None, responses={202: WebhookSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, slug: str, id: str) -> Response:
        """Send it the event `webhook.test`; the log of deliveries says how it went."""
        endpoint = self.get_object()
        services.ping(actor=self.actor, endpoint=endpoint)
        return Response(self._shown(endpoint), status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=DeliverySerializer(many=True), filters=False)
    @action(detail=True, ordering_fields=("created_at",))
    def deliveries(self, request: Request, slug: str, id: str) -> Response:
        """What was sent, newest first, with every try."""
        rows = Delivery.objects.filter(endpoint=self.get_object()).select_related("event").prefetch_related("attempts")
        return self.get_paginated_response(DeliverySerializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        request=None, responses={202: DeliverySerializer},
        parameters=[OpenApiParameter("delivery", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="deliveries/<uuid:delivery>/send-again", url_name="send-again")
    def send_again(self, request: Request, slug: str, id: str, delivery: Any) -> Response:
        """Deliver an event once more, with the same id and body."""
        rows = Delivery.objects.filter(endpoint=self.get_object()).select_related("endpoint__department", "event")
        found = services.send_again(actor=self.actor, delivery=get_object_or_404(rows, pk=delivery))
        return Response(DeliverySerializer(found).data, status=status.HTTP_202_ACCEPTED)

    def _shown(self, endpoint: Endpoint) -> dict[str, Any]:
        return dict(self.get_serializer(endpoint).data)
