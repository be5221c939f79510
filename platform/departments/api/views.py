"""Departments, their members and grants over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import token_of
from accounts.models import User
from departments.access import Verb, decide_in, require_in
from departments.api.serializers import DepartmentSerializer, GrantSerializer, MemberSerializer, MeSerializer
from departments.api.viewsets import ActorMixin, AtriumViewSet
from departments.models import Department, Grant, Membership
from departments.services import create_department, remove_member, revoke_grant, set_member
from rest.problems import Refused


class Me(ActorMixin):
    """Who the caller is."""

    method_scopes = {"GET": frozenset({"read", "write", "predict"})}

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        names = Department.objects.in_bulk(self.actor.department_ids)
        memberships = [
            {"department": names[pk].slug, "name": names[pk].name, "role": role}
            for pk, role in self.actor.roles.items()
        ]
        token = token_of(request)
        body = {
            "id": request.user.pk,
            "username": request.user.username,
            "full_name": request.user.get_full_name(),  # type: ignore[union-attr]
            "is_platform_admin": self.actor.is_platform_admin,
            "memberships": memberships,
            "scopes": sorted(token.scopes) if token else None,
        }
        return Response(MeSerializer(body).data)


class DepartmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Every department's name is known to everybody who signed in: grants are made between them."""

    serializer_class = DepartmentSerializer
    queryset = Department.objects.none()
    lookup_field = "slug"
    lookup_value_converter = "slug"
    ordering = ("name", "pk")
    ordering_fields = ("name", "slug", "created_at")

    def get_queryset(self) -> QuerySet[Department]:
        return Department.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "actor": None if self._is_schema() else self.actor}

    def _is_schema(self) -> bool:
        return bool(getattr(self, "swagger_fake_view", False))

    @extend_schema(responses={201: DepartmentSerializer})
    def create(self, request: Request) -> Response:
        """Make a department. Platform admins only."""
        if not self.actor.is_platform_admin:
            raise Refused("not-platform-admin", "Only platform admins make departments.", status=403)
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        department = create_department(**asked.validated_data)
        return Response(self.get_serializer(department).data, status=status.HTTP_201_CREATED)


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The members of one department: seen by members, set by managers and platform admins."""

    serializer_class = MemberSerializer
    queryset = Membership.objects.none()
    lookup_field = "person__username"
    lookup_url_kwarg = "username"
    lookup_value_converter = "str"
    ordering = ("created_at", "pk")
    ordering_fields = ("created_at",)

    def _department(self, verb: Verb) -> Department:
        department = get_object_or_404(Department, slug=self.kwargs["slug"])
        require_in(self.actor, verb, department)
        return department

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return Membership.objects.filter(department=self._department(Verb.DISCOVER)).select_related("person")

    @extend_schema(responses={201: MemberSerializer})
    def create(self, request: Request, slug: str) -> Response:
        """Give a person a role, whether or not they had one."""
        department = self._department(Verb.MANAGE)
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person: User = asked.validated_data["person"]
        membership = set_member(department=department, person=person, role=asked.validated_data.get("role", "viewer"))
        return Response(self.get_serializer(membership).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, slug: str, username: str) -> Response:
        """End a membership."""
        self._department(Verb.MANAGE)
        remove_member(membership=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class GrantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Grants given and received by the caller's departments. They are made at the object: datasets/{id}/grants/."""

    serializer_class = GrantSerializer
    queryset = Grant.objects.none()
    ordering_fields = ("created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Grant]:
        if getattr(self, "swagger_fake_view", False):
            return Grant.objects.none()
        grants = Grant.objects.select_related("owner", "department", "created_by", "approver")
        if self.actor.is_platform_admin:
            return grants
        own = self.actor.department_ids
        return grants.filter(Q(owner__in=own) | Q(department__in=own))

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {**super().get_serializer_context()}
        return context if getattr(self, "swagger_fake_view", False) else {**context, "actor": self.actor}

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Take a grant back, at once. The owner's managers and platform admins may."""
        grant = self.get_object()
        decision = decide_in(self.actor, Verb.MANAGE, grant.owner_id)
        if not decision.allowed:
            if not self.actor.department_ids:
                raise Http404
            rule = decision.rule if decision.visible else "not-owner"
            detail = decision.detail or "Only the owner's managers take a grant back."
            raise Refused(rule, detail, status=403)
        revoke_grant(grant=grant)
        return Response(status=status.HTTP_204_NO_CONTENT)
