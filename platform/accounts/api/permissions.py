"""What a token's scopes let a request do."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.api.authentication import token_of
from rest.problems import Refused

READING = frozenset({"read", "write"})
WRITING = frozenset({"write"})


class ScopePermission(BasePermission):
    """Signed in, and the token in use, if any, has a scope for the method.

    A view overrides the scopes of a method with `method_scopes = {"POST": frozenset({"predict", "write"})}`.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        method = request.method or ""
        default = READING if method in SAFE_METHODS else WRITING
        needed = getattr(view, "method_scopes", {}).get(method, default)
        token = token_of(request)
        if token is not None and not needed & set(token.scopes):
            has, needs = ", ".join(token.scopes), " or ".join(sorted(needed))
            raise Refused("token-scope", f"This token may {has}; the request needs the scope {needs}.", status=403)
        return True
