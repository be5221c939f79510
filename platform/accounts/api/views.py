"""Tokens over REST: made, listed, taken back by their own person."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.authentication import person_of, token_of
from accounts.api.permissions import ScopePermission
from accounts.api.serializers import NewTokenSerializer, TokenRequestSerializer, TokenSerializer
from accounts.models import ApiToken
from accounts.services import create_token, department_of, revoke_token
from rest.etags import EtagMixin
from rest.idempotency import IdempotentMixin


class TokenViewSet(
    IdempotentMixin, EtagMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]
):
    """The caller's own tokens."""

    serializer_class = TokenSerializer
    permission_classes = [ScopePermission]
    queryset = ApiToken.objects.none()
    lookup_field = "id"
    lookup_value_converter = "uuid"
    ordering_fields = ("created_at", "expires_at", "name")
    # The answer holds the secret, which is shown once and kept nowhere: it cannot be replayed.
    keeps_answers = False

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        own = ApiToken.objects.filter(person_id=self.request.user.pk).select_related("department", "person")
        limited_to = getattr(self.request.auth, "department_id", None)
        return own.filter(department_id=limited_to) if limited_to else own

    @extend_schema(request=TokenRequestSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. The answer is the only place where its secret stands."""
        asked = TokenRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        department = department_of(person_of(request), values.pop("department"))
        token, secret = create_token(
            person=person_of(request), department_id=department, bounded_by=token_of(request), **values
        )
        body = {**TokenSerializer(token, context=self.get_serializer_context()).data, "token": secret}
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Take a token back, at once."""
        revoke_token(token=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
