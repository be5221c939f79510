"""Departments and their members over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import token_of
from accounts.models import User
from departments.access import Verb, require_in
from departments.api.serializers import DepartmentSerializer, MemberSerializer, MeSerializer, TuningSerializer
from departments.api.viewsets import ActorMixin, AtriumViewSet
from departments.models import Department, Membership
from departments.services import create_department, remove_member, set_member, share_tuning
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

    @extend_schema(request=TuningSerializer, responses=TuningSerializer)
    @action(detail=True, methods=["put"])
    def tuning(self, request: Request, slug: str) -> Response:
        """Say whether what did best here may help others. Managers and platform admins only."""
        department = self.get_object()
        require_in(self.actor, Verb.MANAGE, department)
        asked = TuningSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            TuningSerializer(share_tuning(department=department, shares=asked.validated_data["shares_tuning"])).data
        )


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
