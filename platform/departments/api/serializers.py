"""Departments, members and grants as JSON."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from departments.access import GRANTABLE
from departments.models import Department, Grant, Membership, Role


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


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """One person's role in a department."""

    person = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    full_name = serializers.CharField(source="person.get_full_name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "person", "full_name", "role", "created_at")
        read_only_fields = ("id", "created_at")


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """What one department lets another do, and until when."""

    owner = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    verbs = serializers.ListField(
        child=serializers.ChoiceField(choices=[v.value for v in GRANTABLE]), allow_empty=False
    )
    columns = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)
    masks = serializers.DictField(read_only=True)
    rows = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    approver = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    state = serializers.ChoiceField(choices=["granted", "planned", "expired", "revoked"], read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:grant-detail", lookup_field="id")

    class Meta:
        model = Grant
        fields = (
            "id", "owner", "department", "object_kind", "object_id", "verbs", "columns", "masks", "rows",
            "purpose", "state", "starts_at", "expires_at", "may_extend", "revoked_at", "created_at", "created_by",
            "approver", "url",
        )  # fmt: skip
        read_only_fields = ("id", "owner", "object_kind", "object_id", "revoked_at", "created_at", "created_by")
        extra_kwargs = {"starts_at": {"required": False}, "expires_at": {"required": False, "allow_null": True}}
