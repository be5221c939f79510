"""People, and what lets a program act for one of them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. What a person may do follows from memberships, never from flags here but `is_platform_admin`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    is_platform_admin = models.BooleanField(_("platform admin"), default=False)
    wants_mail = models.BooleanField(_("notices by e-mail"), default=True)
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    def get_full_name(self) -> str:
        return self.full_name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name().split(" ")[0]


class Scope(models.TextChoices):
    """What a token may be used for; the person's own rights bound it further."""

    READ = "read", _("Read")
    WRITE = "write", _("Write: upload, prepare, train, deploy, predict")
    PREDICT = "predict", _("Predict only")


class ApiToken(models.Model):
    """A bearer token, kept only as its SHA-256. Shown once, scoped, expiring, revocable."""

    PREFIX: ClassVar[str] = "atr_"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    department = models.ForeignKey(
        "departments.Department", on_delete=models.CASCADE, null=True, blank=True, related_name="tokens"
    )
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Neither revoked nor expired, and the person may still sign in."""
        return self.revoked_at is None and self.expires_at > timezone.now() and self.person.is_active

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "active" if self.expires_at > timezone.now() else "expired"


class SignInLink(models.Model):
    """A link that signs one person in once."""

    digest = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.person}"
