"""Departments, who belongs to them, and what they let each other do."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.quotas.models import LedgerEntry, Quota
from departments.request_querysets import AccessRequestQuerySet

__all__ = [
    "AccessRequest", "Choice", "Department", "Grant", "GrantEnd", "GrantWarning", "LedgerEntry", "Membership", "Notice",
    "Quota", "RequestState", "Role",
]  # fmt: skip


class Department(models.Model):
    """A tenant: owns data sets, runs, models, deployments and tokens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Whether other departments' studies may begin with the parameters that did best here: numbers and choices, no names.
    shares_tuning = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; each role includes the ones before it."""

    VIEWER = "viewer", _("Viewer")
    ANALYST = "analyst", _("Analyst")
    ENGINEER = "engineer", _("Engineer")
    MANAGER = "manager", _("Manager")


class Membership(models.Model):
    """A person in a department with a role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["department", "person"], name="one_role_per_department")]
        ordering = ["person__username"]

    def __str__(self) -> str:
        return f"{self.person} in {self.department}"


class GrantQuerySet(models.QuerySet["Grant"]):
    def live(self) -> GrantQuerySet:
        """Begun, not expired, not revoked: at this very moment."""
        now = timezone.now()
        return self.filter(starts_at__lte=now, revoked_at=None).exclude(expires_at__lte=now)


class Choice(models.TextChoices):
    """What becomes of what was made from the data when its grant ends."""

    STOP = "stop", _("Stop")
    FREEZE = "freeze", _("Freeze")
    RETRAIN = "retrain", _("Retrain without the data")
    KEEP = "keep", _("Keep until a date")


class Grant(models.Model):
    """The owner lets another department do named verbs on one data set or model, for a time."""

    class Kind(models.TextChoices):
        DATASET = "dataset", _("Data set")
        MODEL = "model", _("Model")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="grants_given")
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="grants_received")
    object_kind = models.CharField(max_length=10, choices=Kind.choices)
    object_id = models.UUIDField(db_index=True)
    verbs = models.JSONField(default=list)
    # What of the rows the grantee gets: named columns (None: all), masks by column, conditions that a row must fit.
    columns = models.JSONField(null=True, default=None)
    masks = models.JSONField(default=dict)
    rows = models.JSONField(default=list)
    # The key of this grant's hashes, sealed.
    mask_key = models.TextField(blank=True)
    purpose = models.CharField(max_length=300, blank=True)
    starts_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    # Whether the grantee may move the expiry themselves.
    may_extend = models.BooleanField(default=False)
    # What becomes of what the grantee made, when the grant expires; "retrain" and "keep" give so many days more.
    on_end = models.CharField(max_length=10, choices=Choice.choices, default=Choice.FREEZE)
    on_end_days = models.PositiveSmallIntegerField(default=30)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.owner} → {self.department}: {', '.join(self.verbs)}"

    @property
    def state(self) -> str:
        now = timezone.now()
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= now:
            return "expired"
        return "granted" if self.starts_at <= now else "planned"


class GrantEnd(models.Model):
    """That a grant ended, and what was decided about what had been made from the data under it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.OneToOneField(Grant, on_delete=models.CASCADE, related_name="ending")
    at = models.DateTimeField(default=timezone.now)
    # {kind of thing: choice}; the kinds are those of consequences.py.
    choices = models.JSONField(default=dict)
    until = models.DateTimeField(null=True, db_index=True)
    # {kind of thing: how many were affected}.
    affected = models.JSONField(default=dict)
    # When what was kept or had to be retrained until a date was frozen.
    closed_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"end of {self.grant}"


class RequestState(models.TextChoices):
    OPEN = "open", _("Waiting for an answer")
    APPROVED = "approved", _("Approved")
    CHANGED = "changed", _("Approved with changes")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    LAPSED = "lapsed", _("Lapsed unanswered")


class AccessRequest(models.Model):
    """One department asks another for named verbs on one data set or model, and says what for and how long."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="requests_received")
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="requests_made")
    object_kind = models.CharField(max_length=10, choices=Grant.Kind.choices)
    object_id = models.UUIDField(db_index=True)
    verbs = models.JSONField(default=list)
    # Names of the columns that are wanted; empty for all.
    columns = models.JSONField(default=list)
    purpose = models.CharField(max_length=300)
    days = models.PositiveSmallIntegerField()
    # The grant that is to go on, when that is what is asked for.
    extends = models.ForeignKey(Grant, on_delete=models.SET_NULL, null=True, related_name="extension_requests")
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    grant = models.ForeignKey(Grant, on_delete=models.SET_NULL, null=True, related_name="requests")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["department", "object_kind", "object_id"],
                condition=models.Q(state="open"),
                name="one_open_request_per_object",
            )
        ]

    def __str__(self) -> str:
        return f"{self.department} asks {self.owner}: {', '.join(self.verbs)}"

    @property
    def is_open(self) -> bool:
        return self.state == RequestState.OPEN


class Notice(models.Model):
    """Something that one person should know, shown in the app and sent by mail to who wants mail.

    `details` names things and counts them; it never holds values of rows. `key` says what it is about, so that the same
    thing is told once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    path = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    # When its mail is to be sent (again); null where none is, or none any more.
    mail_due_at = models.DateTimeField(null=True, db_index=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="one_notice_per_matter")]
        indexes = [models.Index(fields=["person", "read_at"]), models.Index(fields=["person", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person}"


class GrantWarning(models.Model):
    """That people were told of a grant's end, so many days before; a grant whose end moves is warned of anew."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="warnings")
    days = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "days", "expires_at"], name="one_warning_per_end_and_days")
        ]

    def __str__(self) -> str:
        return f"{self.grant_id}: {self.days} days before {self.expires_at}"
