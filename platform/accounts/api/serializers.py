"""People and tokens as JSON."""

from typing import Any

from rest_framework import serializers

from accounts.models import ApiToken, Scope
from accounts.services import DEFAULT_DAYS, MAX_DAYS


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its secret."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), read_only=True)
    state = serializers.ChoiceField(choices=["active", "expired", "revoked"], read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:token-detail", lookup_field="id")

    class Meta:
        model = ApiToken
        fields = (
            "id", "name", "department", "scopes", "hint", "state",
            "created_at", "expires_at", "last_used_at", "revoked_at", "url",
        )  # fmt: skip
        read_only_fields = fields


class TokenRequestSerializer(serializers.Serializer[Any]):
    """What a new token needs."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False)
    days = serializers.FloatField(default=DEFAULT_DAYS, min_value=0.0001, max_value=MAX_DAYS)
    department = serializers.SlugField(required=False, allow_null=True, default=None)


class NewTokenSerializer(TokenSerializer):
    """A token with its secret, as answered once."""

    token = serializers.CharField(read_only=True)

    class Meta:
        model = ApiToken
        fields = (*TokenSerializer.Meta.fields, "token")
        read_only_fields = fields
