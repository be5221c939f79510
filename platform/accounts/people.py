"""Making people. Nobody has a default password: a person signs in by a one-time link or a password of their own."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from rest.problems import Refused, invalid


@transaction.atomic
def create_person(*, username: str, full_name: str = "", email: str = "", is_platform_admin: bool = False) -> User:
    """Make a person without a password; they sign in by a link."""
    person = User(username=username.strip(), full_name=full_name, email=email, is_platform_admin=is_platform_admin)
    person.set_unusable_password()
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise invalid(field, messages[0]) from None
    person.save()
    record("person.create", person, details={"platform_admin": is_platform_admin})
    return person


@transaction.atomic
def set_password(*, person: User, password: str) -> None:
    """Give a person a password of their own."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Refused("weak_password", " ".join(error.messages), status=422) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    record("person.set_password", person)


@transaction.atomic
def deactivate_person(*, person: User) -> None:
    """Let a person sign in no more; tokens stop at once."""
    if person.is_platform_admin and not User.objects.filter(is_platform_admin=True).exclude(pk=person.pk).exists():
        raise Refused("last_admin", _("The platform keeps at least one admin. Make another person admin first."))
    person.is_active = False
    person.save(update_fields=["is_active"])
    record("person.deactivate", person)


@transaction.atomic
def reactivate_person(*, person: User) -> None:
    """Let a person sign in again. Tokens that live on work again too."""
    person.is_active = True
    person.save(update_fields=["is_active"])
    record("person.reactivate", person)
