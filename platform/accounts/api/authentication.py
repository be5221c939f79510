"""`Authorization: Bearer atr_…`."""

from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import find_token
from audit import context

CHALLENGE = 'Bearer realm="atrium"'
UNKNOWN_TOKEN = "This token is unknown, expired or revoked. Make a new one under Settings, Tokens."  # noqa: S105 -- words


def person_of(request: Request) -> User:
    """The signed-in person, where the view admits no other."""
    return cast(User, request.user)


def token_of(request: Request) -> ApiToken | None:
    """The token in use; None for the browser's session."""
    return cast(ApiToken | None, request.auth)


class TokenAuthentication(BaseAuthentication):
    """Answers 401 for a token that is malformed, unknown, expired or revoked: the same words for each."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        token = find_token(parts[1].decode("latin-1")) if len(parts) == 2 else None
        if token is None:
            raise AuthenticationFailed(UNKNOWN_TOKEN)
        origin = context.current()
        origin.actor_id, origin.actor_name, origin.token_id = token.person.pk, token.person.username, token.pk
        return token.person, token

    def authenticate_header(self, request: Request) -> Any:
        return CHALLENGE


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document speaks of tokens."""

    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "atr_…"}
