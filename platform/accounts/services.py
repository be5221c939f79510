"""Tokens and sign-in links: made once, kept as hashes, taken back at any moment."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Scope, SignInLink, User
from audit.services import record
from rest.problems import Refused, invalid

DEFAULT_DAYS = 90
MAX_DAYS = 366
LAST_USE_PRECISION = timedelta(seconds=60)


def digest_of(secret: str) -> str:
    """SHA-256 of a secret. The secrets are 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_token(
    *,
    person: User,
    name: str,
    scopes: Collection[str],
    days: float = DEFAULT_DAYS,
    department_id: UUID | None = None,
    bounded_by: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Return the new token's row and its secret, which is not kept. A token made with a token cannot exceed it."""
    _check_token(name, scopes, days)
    expires_at = timezone.now() + timedelta(days=days)
    if bounded_by is not None:
        if not set(scopes) <= set(bounded_by.scopes):
            raise invalid("scopes", _("a token cannot give more than it has: %s") % ", ".join(bounded_by.scopes))
        expires_at = min(expires_at, bounded_by.expires_at)
        department_id = bounded_by.department_id or department_id
    secret = ApiToken.PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        person=person,
        department_id=department_id,
        name=name.strip(),
        hint=secret[:8],
        digest=digest_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    record("token.create", token, department_id=department_id, details={"scopes": token.scopes, "days": days})
    return token, secret


def _check_token(name: str, scopes: Collection[str], days: float) -> None:
    if not 0 < len(name.strip()) <= 100:
        raise invalid("name", _("a token needs a name of 1 to 100 characters that says what uses it"))
    unknown = set(scopes) - set(Scope.values)
    if unknown or not scopes:
        raise invalid("scopes", _("choose from %s") % ", ".join(Scope.values))
    if not 0 < days <= MAX_DAYS:
        raise invalid("days", _("a token lives more than 0 and at most %d days") % MAX_DAYS)


def department_of(person: User, slug: str | None) -> UUID | None:
    """The department, one of the person's own, that a new token is limited to."""
    if slug is None:
        return None
    membership = person.memberships.filter(department__slug=slug).first()
    if membership is None:
        raise invalid("department", _("you belong to no department “%s”") % slug)
    found: UUID = membership.department_id
    return found


@transaction.atomic
def revoke_token(*, token: ApiToken) -> ApiToken:
    """Take a token back. It holds from the next request on; for predictions, within a second (docs/predicting.md)."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record("token.revoke", token, department_id=token.department_id)
    return token


def find_token(secret: str) -> ApiToken | None:
    """Return the live token of that secret, or None; remembers its use to the minute."""
    digest = digest_of(secret)
    return find_tokens([digest]).get(digest)


def find_tokens(digests: Collection[str]) -> dict[str, ApiToken]:
    """The live ones among the tokens of these digests, by digest; remembers their use to the minute."""
    found = ApiToken.objects.select_related("person").filter(digest__in=digests)
    live = {token.digest: token for token in found if token.is_live}
    now = timezone.now()
    unmarked = [
        token.pk
        for token in live.values()
        if token.last_used_at is None or now - token.last_used_at > LAST_USE_PRECISION
    ]
    if unmarked:
        ApiToken.objects.filter(pk__in=unmarked).update(last_used_at=now)
    return live


def create_sign_in_link(*, person: User, hours: float = 24) -> str:
    """Return the secret of a link that signs `person` in once."""
    secret = secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(hours=hours)
    SignInLink.objects.create(digest=digest_of(secret), person=person, expires_at=expires_at)
    return secret


def peek_sign_in_link(secret: str) -> SignInLink | None:
    """Return the unused, unexpired link of that secret without using it."""
    links = SignInLink.objects.select_related("person").filter(used_at=None, expires_at__gt=timezone.now())
    return links.filter(digest=digest_of(secret), person__is_active=True).first()


@transaction.atomic
def use_sign_in_link(secret: str) -> User:
    """Return the link's person and burn the link; a second use is refused."""
    link = peek_sign_in_link(secret)
    burnt = link and SignInLink.objects.filter(pk=link.pk, used_at=None).update(used_at=timezone.now())
    if not link or not burnt:
        detail = _("This sign-in link was used or has expired. Ask your administrator for a new one.")
        raise Refused("link_spent", detail, status=410)
    record("person.sign_in_link", link.person)
    return link.person
