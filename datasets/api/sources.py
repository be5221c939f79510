"""Sources and the data sets that are kept up from them, over REST."""

from __future__ import annotations

from typing import Any

import django_filters
from django.core.files.base import File
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from datasets.api.recipes import DeclaredParamSerializer
from datasets.connectors import CONNECTORS
from datasets.connectors._base import Connector
from datasets.models import Feed, Source
from datasets.sources import feeds as feed_services
from datasets.sources import services as source_services
from datasets.sources.models import Deletes, Every, Mode
from departments.access import Verb
from departments.api.viewsets import ActorMixin, AtriumViewSet
from departments.models import Department
from rest.parsers import BoundedJSONParser

READING = frozenset({"read", "write"})


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A connection of one department. `secrets` names those that are stored; their values are never given out."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    secrets = serializers.SerializerMethodField()
    place = serializers.CharField(read_only=True)
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    checked = serializers.JSONField(read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:source-detail", lookup_field="id")

    class Meta:
        model = Source
        fields = (
            "id", "name", "department", "connector", "params", "secrets", "file_name", "place", "checked", "checked_at",
            "discovered_at", "job", "created_at", "updated_at", "created_by", "url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_secrets(self, source: Source) -> list[str]:
        return list(source.declared.secrets) if source.sealed else []


class NewSourceSerializer(serializers.Serializer[Any]):
    """`GET connectors/` declares the parameters. Secrets stand among them, and are sealed."""

    name = serializers.CharField(max_length=120)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    connector = serializers.CharField(max_length=40)
    params = serializers.JSONField(required=False, default=dict)
    file = serializers.FileField(required=False, max_length=None)


class ChangeSourceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, required=False)
    params = serializers.JSONField(required=False)


class ForeignColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(help_text="The type it gets here; empty where it holds bytes and is left out.")
    native = serializers.CharField()
    is_key = serializers.BooleanField()


class ForeignTableSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["table", "view", "file"])
    rows = serializers.IntegerField(allow_null=True, help_text="The system's own estimate.")
    size = serializers.IntegerField(allow_null=True)
    columns = ForeignColumnSerializer(many=True)


class FeedSettingsSerializer(serializers.Serializer[Any]):
    """How and when a data set is refreshed. Times of day are UTC; `weekday` 0 is Monday."""

    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    cursor = serializers.CharField(max_length=255, required=False, allow_blank=True)
    keys = serializers.ListField(child=serializers.CharField(max_length=255), max_length=50, required=False)
    overlap = serializers.FloatField(min_value=0, required=False)
    deletes = serializers.ChoiceField(choices=Deletes.choices, required=False)
    every = serializers.ChoiceField(choices=Every.choices, required=False)
    minutes = serializers.IntegerField(min_value=1, max_value=44_640, required=False)
    at = serializers.TimeField(required=False, allow_null=True)
    weekday = serializers.IntegerField(min_value=0, max_value=6, required=False)
    is_paused = serializers.BooleanField(required=False)


class NewFeedSerializer(FeedSettingsSerializer):
    """A table, file or query that becomes a data set. No `columns` means all."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    table = serializers.CharField(max_length=1024, required=False, allow_blank=True)
    query = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    columns = serializers.ListField(child=serializers.CharField(max_length=255), max_length=10_000, required=False)
    options = serializers.JSONField(required=False)


class FeedSerializer(serializers.ModelSerializer[Feed]):
    """A data set that is kept up from a source."""

    dataset = serializers.UUIDField(source="dataset_id", read_only=True)
    source = serializers.UUIDField(source="source_id", read_only=True)  # type: ignore[assignment]
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    dataset_url = serializers.SerializerMethodField()

    class Meta:
        model = Feed
        fields = (
            "id", "dataset", "dataset_url", "source", "table", "query", "columns", "options", "mode", "cursor", "keys",
            "overlap", "deletes", "newest", "every", "minutes", "at", "weekday", "is_paused", "next_at", "last_at",
            "last_outcome", "last_error", "failures", "job", "created_at", "created_by",
        )  # fmt: skip
        read_only_fields = fields

    def get_dataset_url(self, feed: Feed) -> str:
        return reverse("api:dataset-detail", kwargs={"id": feed.dataset_id}, request=self.context.get("request"))


class SourceFilter(django_filters.FilterSet):
    department = django_filters.CharFilter(field_name="department__slug")

    class Meta:
        model = Source
        fields: dict[str, Any] = {"connector": ["exact"], "name": ["exact"]}


class SourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The sources of the departments in which the caller may import data."""

    model = Source
    queryset = Source.objects.none()
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    ordering_fields = ("created_at", "updated_at", "name")

    def get_queryset(self) -> QuerySet[Source]:
        return super().get_queryset().select_related("department", "created_by").defer("tables")

    def get_parsers(self) -> list[Any]:
        return [BoundedJSONParser(), MultiPartParser()]

    @extend_schema(
        request={"application/json": NewSourceSerializer, "multipart/form-data": NewSourceSerializer},
        responses={201: SourceSerializer},
    )
    def create(self, request: Request) -> Response:
        """Keep a connection. A job checks it and finds out what can be read; follow `job`, then see `checked`."""
        asked = NewSourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        file: File | None = given.pop("file", None)
        source = source_services.create_source(actor=self.actor, file=file, **given)
        return Response(self.get_serializer(source).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeSourceSerializer, responses=SourceSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Rename a source or change its parameters; stored secrets must be given again when it points elsewhere."""
        source = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(source).data)
        asked = ChangeSourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changed = source_services.update_source(actor=self.actor, source=source, **asked.validated_data)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Forget a source with its secrets; refused while data sets are kept up from it. Honours If-Match."""
        source = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(source).data)
        source_services.delete_source(actor=self.actor, source=source)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: SourceSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, id: str) -> Response:
        """Check the connection again and look for tables; follow `job`, then see `checked` and `tables/`."""
        source = self.object(Verb.CREATE)
        source_services.look_around(actor=self.actor, source=source)
        return Response(self.get_serializer(source).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        parameters=[OpenApiParameter("search", str, description="a part of the name")],
        responses=ForeignTableSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def tables(self, request: Request, id: str) -> Response:
        """What can be read there, as the last look found it."""
        source = self.object(Verb.DISCOVER)
        wanted = request.query_params.get("search", "").lower()
        return Response([table for table in source.tables if wanted in table["name"].lower()])

    @extend_schema(request=NewFeedSerializer, responses={201: FeedSerializer})
    @action(detail=True, methods=["post"])
    def datasets(self, request: Request, id: str) -> Response:
        """Make a data set from a table, file or query. A job imports it; follow `job`."""
        source = self.object(Verb.CREATE)
        asked = NewFeedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        feed = feed_services.create_feed(actor=self.actor, source=source, **asked.validated_data)
        context = self.get_serializer_context()
        return Response(FeedSerializer(feed, context=context).data, status=status.HTTP_201_CREATED)


class FeedFilter(django_filters.FilterSet):
    class Meta:
        model = Feed
        fields: dict[str, Any] = {"dataset": ["exact"], "source": ["exact"], "is_paused": ["exact"]}


class FeedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The data sets that are kept up from sources, with their schedules."""

    model = Feed
    queryset = Feed.objects.none()
    serializer_class = FeedSerializer
    filterset_class = FeedFilter
    ordering_fields = ("created_at", "next_at", "last_at")

    def get_queryset(self) -> QuerySet[Feed]:
        return super().get_queryset().select_related("dataset", "source__department", "created_by")

    @extend_schema(request=FeedSettingsSerializer, responses=FeedSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change, pause or resume the schedule. Honours If-Match."""
        feed = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(feed).data)
        asked = FeedSettingsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changed = feed_services.update_feed(actor=self.actor, feed=feed, **asked.validated_data)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Detach the data set: it stays with its versions, and is refreshed no more. Honours If-Match."""
        feed = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(feed).data)
        feed_services.detach(actor=self.actor, feed=feed)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: FeedSerializer})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, id: str) -> Response:
        """Read the source now, into the next version; no version is made where nothing changed."""
        feed = self.object(Verb.EDIT)
        feed_services.refresh(actor=self.actor, feed=feed)
        return Response(self.get_serializer(feed).data, status=status.HTTP_202_ACCEPTED)


class DeclaredConnectorSerializer(serializers.Serializer[Any]):
    """A kind of outside system, with its parameters."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    takes_query = serializers.BooleanField()
    takes_file = serializers.BooleanField()
    secrets = serializers.ListField(child=serializers.CharField())
    params = DeclaredParamSerializer(many=True)


class DeclaredConnectorsSerializer(serializers.Serializer[Any]):
    results = DeclaredConnectorSerializer(many=True)


class DeclaredConnectors(ActorMixin, APIView):
    """The kinds of outside system that this installation can read."""

    method_scopes = {"GET": READING}

    @extend_schema(responses=DeclaredConnectorsSerializer)
    def get(self, request: Request) -> Response:
        """Every connector's declaration."""
        declared: list[Connector] = list(CONNECTORS)
        return Response(DeclaredConnectorsSerializer({"results": declared}).data)
