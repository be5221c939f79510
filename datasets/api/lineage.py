"""Lineage over REST: the graph around one object."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.lineage import graph as lineage
from departments.api.viewsets import ActorMixin
from rest.problems import invalid


class NodeSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField()
    detail = serializers.CharField()
    page = serializers.CharField(source="url")


class GraphSerializer(serializers.Serializer[Any]):
    """`edges` are pairs of places in `nodes`: from what was used to what was made. `is_cut`: there is more."""

    nodes = NodeSerializer(many=True)
    edges = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    is_cut = serializers.BooleanField()


class Lineage(ActorMixin, APIView):
    """From source to deployment, as the caller may see it."""

    method_scopes = {"GET": frozenset({"read", "write"})}

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", str, required=True, description="version, source, recipe, run, model, deployment"),
            OpenApiParameter("id", UUID, required=True),
        ],
        responses=GraphSerializer,
    )
    def get(self, request: Request) -> Response:
        """All that an object was made from, and all that was made of it. A model's id is its version's."""
        kind, id = request.query_params.get("kind", ""), request.query_params.get("id", "")
        if kind not in lineage.kinds():
            raise invalid("kind", f"got {kind[:40]!r}; choose from {', '.join(lineage.kinds())}")
        try:
            found = lineage.graph(self.actor, (kind, UUID(id)))
        except ValueError:
            raise invalid("id", f"got {id[:40]!r}; expected a UUID") from None
        if found is None:
            raise Http404
        places = {node.key: place for place, node in enumerate(found.nodes)}
        edges = [[places[used], places[made]] for used, made in found.edges]
        return Response(GraphSerializer({"nodes": found.nodes, "edges": edges, "is_cut": found.is_cut}).data)
