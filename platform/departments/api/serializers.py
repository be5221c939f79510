"""Departments, members and grants as JSON."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from departments.access import GRANTABLE
from departments.models import Department, Grant, Membership, Role
from departments.projection import as_received


class MeMembershipSerializer(serializers.Serializer[Any]):
    department = serializers.SlugField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


class MeSerializer(serializers.Serializer[Any]):
    """Who the caller is, and what they may do where."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    full_name = serializers.CharField()
    is_platform_admin = serializers.BooleanField()
    memberships = MeMembershipSerializer(many=True)
    scopes = serializers.ListField(child=serializers.CharField(), allow_null=True)


class DepartmentSerializer(serializers.ModelSerializer[Department]):
    """A department, and the caller's role in it (null for none)."""

    slug = serializers.SlugField(max_length=60, required=False)
    role = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(
        view_name="api:department-detail", lookup_field="slug", lookup_url_kwarg="slug"
    )

    class Meta:
        model = Department
        fields = ("id", "slug", "name", "description", "role", "created_at", "url")
        read_only_fields = ("id", "created_at")

    def get_role(self, department: Department) -> str | None:
        actor = self.context.get("actor")
        return actor.roles.get(department.pk) if actor else None


class TuningSerializer(serializers.Serializer[Any]):
    """Whether other departments' studies may begin with the parameters that did best in this one's."""

    shares_tuning = serializers.BooleanField()


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """One person's role in a department."""

    person = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    full_name = serializers.CharField(source="person.get_full_name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "person", "full_name", "role", "created_at")
        read_only_fields = ("id", "created_at")


class MaskSerializer(serializers.Serializer[Any]):
    """hide, hash, bucket (width, edges, characters or separator), redact or year-only."""

    kind = serializers.CharField(max_length=20)
    params = serializers.DictField(required=False)


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """What one department lets another do, and until when."""

    owner = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    verbs = serializers.ListField(
        child=serializers.ChoiceField(choices=[v.value for v in GRANTABLE]), allow_empty=False
    )
    columns = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), required=False, allow_null=True, allow_empty=False,
        help_text="The columns that are given; null gives all, also those of later versions.",
    )  # fmt: skip
    masks = serializers.DictField(
        child=MaskSerializer(), required=False, help_text="By column, what is shown instead of its values."
    )
    rows = serializers.ListField(
        child=serializers.CharField(max_length=500), required=False, max_length=10,
        help_text="Conditions that a row must fit, all of them: age>=30, city=Oslo, income is present.",
    )  # fmt: skip
    on_end_days = serializers.IntegerField(min_value=0, max_value=730, required=False)
    all_rows = serializers.SerializerMethodField(help_text="Whether no condition limits the rows.")
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    approver = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    state = serializers.ChoiceField(choices=["granted", "planned", "expired", "revoked"], read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:grant-detail", lookup_field="id")

    class Meta:
        model = Grant
        fields = (
            "id", "owner", "department", "object_kind", "object_id", "verbs", "columns", "masks", "rows",
            "all_rows", "purpose", "state", "starts_at", "expires_at", "may_extend", "on_end", "on_end_days", "revoked_at",
            "created_at", "created_by", "approver", "url",
        )  # fmt: skip
        read_only_fields = ("id", "owner", "object_kind", "object_id", "revoked_at", "created_at", "created_by")
        extra_kwargs = {"starts_at": {"required": False}, "expires_at": {"required": False, "allow_null": True}}

    def get_all_rows(self, grant: Grant) -> bool:
        return not grant.rows

    def to_representation(self, instance: Grant) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown if self._gives(instance) else {**shown, **as_received(instance)}

    def _gives(self, grant: Grant) -> bool:
        """Whether the reader belongs to those who gave the grant."""
        actor = self.context["actor"]
        return grant.owner_id in actor.roles or (actor.is_platform_admin and grant.department_id not in actor.roles)
