"""Webhooks and their deliveries as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from webhooks.events import EVENTS, PING
from webhooks.models import Attempt, Delivery, Endpoint


class WebhookSerializer(serializers.ModelSerializer[Endpoint]):
    """Where a department's events go. `secret` is in the answer that made it, and in no other."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    target = serializers.CharField(max_length=500, help_text="http or https; a public address, or one that is allowed.")
    events = serializers.ListField(child=serializers.ChoiceField(choices=list(EVENTS)), allow_empty=False)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id", "department", "name", "target", "events", "is_active", "disabled_reason", "last_delivered_at",
            "created_at", "created_by", "url",
        )  # fmt: skip
        read_only_fields = ("id", "disabled_reason", "last_delivered_at", "created_at")

    def get_url(self, endpoint: Endpoint) -> str:
        place = {"slug": endpoint.department.slug, "id": endpoint.pk}
        return reverse("api:webhook-detail", kwargs=place, request=self.context.get("request"))


class WebhookSecretSerializer(WebhookSerializer):
    """With the secret that signs, `whsec_` and base64: keep it, it is not shown again."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One try: what was sent and what came back, shortened."""

    class Meta:
        model = Attempt
        fields = ("at", "status", "milliseconds", "request", "response", "error")
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event on its way; `event_id` is the header webhook-id, the same at every try."""

    event_id = serializers.UUIDField(read_only=True)
    type = serializers.ChoiceField(choices=[*EVENTS, PING], source="event.type", read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = ("id", "event_id", "type", "state", "tries", "due_at", "created_at", "attempts")
        read_only_fields = fields
