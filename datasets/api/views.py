"""Data sets over REST."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from datasets import reading, services
from datasets.api.profiles import ProfileSerializer
from datasets.api.serializers import (
    AgainSerializer,
    DatasetSerializer,
    FromUploadSerializer,
    NewDatasetSerializer,
    NewFromUploadSerializer,
    NextVersionSerializer,
    RowsSerializer,
    UploadSerializer,
    VersionSerializer,
)
from datasets.diffs.services import compare_versions
from datasets.granting.viewing import viewer
from datasets.models import Dataset, DatasetVersion
from datasets.querysets import RELATIONS, relations
from datasets.uploads import services as upload_services
from departments.access import Actor, Verb, grants_for, require, require_in
from departments.api.serializers import GrantSerializer
from departments.api.viewsets import AtriumViewSet
from departments.models import Grant
from departments.services import create_grant, grants_on
from rest.parsers import BoundedJSONParser
from rest.problems import invalid
from rest.streams import download


class DatasetFilter(django_filters.FilterSet):
    """`?search=heart&department=clinic&relation=granted&column=pulse`."""

    search = django_filters.CharFilter(method="filter_search")
    department = django_filters.CharFilter(field_name="department__slug")
    relation = django_filters.ChoiceFilter(choices=[(name, name) for name in RELATIONS], method="filter_relation")

    column = django_filters.CharFilter(method="filter_column")
    fresh_since = django_filters.IsoDateTimeFilter(method="filter_fresh")

    class Meta:
        model = Dataset
        fields: dict[str, Any] = {"name": ["exact"], "is_simulated": ["exact"], "listed": ["exact"]}

    def filter_search(self, rows: Any, _name: str, value: str) -> Any:
        return rows.search(value)

    def filter_column(self, rows: Any, _name: str, value: str) -> Any:
        return rows.with_column(value, self.request.parser_context["view"].actor)

    def filter_fresh(self, rows: Any, _name: str, value: Any) -> Any:
        return rows.fresh_since(value)

    def filter_relation(self, rows: Any, _name: str, value: str) -> Any:
        return rows.related_as(value, self.request.parser_context["view"].actor)


class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The catalogue: own, granted and discoverable data sets."""

    model = Dataset
    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    ordering_fields = ("created_at", "updated_at", "name")

    def get_queryset(self) -> QuerySet[Dataset]:
        return super().get_queryset().with_newest()  # type: ignore[attr-defined,no-any-return]

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        many = args and not isinstance(args[0], Dataset)
        rows = list(args[0]) if many else list(args[:1])
        about = {"relations": relations(self.actor, rows), "grants": grants_for(self.actor, rows)} if rows else {}
        context = {**self.get_serializer_context(), "actor": self.actor, **about}
        return self.get_serializer_class()(*args, **{**kwargs, "context": context})

    def _answer(self, dataset: Dataset, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=dataset.pk)).data, **kwargs)

    def get_parsers(self) -> list[Any]:
        is_post = self.request and self.request.method == "POST"
        return [MultiPartParser(), BoundedJSONParser()] if is_post else [BoundedJSONParser()]

    @extend_schema(
        request={"multipart/form-data": NewDatasetSerializer, "application/json": NewFromUploadSerializer},
        responses={201: DatasetSerializer},
    )
    def create(self, request: Request) -> Response:
        """Make a data set from a file sent along, or from a finished upload.

        A job reads it; follow `job` until `version.state` is ready or failed.
        """
        if request.content_type.startswith("application/json"):
            given = _checked(NewFromUploadSerializer, request)
            given["upload"] = upload_services.usable(actor=self.actor, upload_id=given["upload"])
            dataset = upload_services.import_upload(actor=self.actor, **given)
        else:
            dataset = services.create_dataset(actor=self.actor, **_checked(NewDatasetSerializer, request))
        return self._answer(dataset, status=status.HTTP_201_CREATED)

    @extend_schema(request=DatasetSerializer, responses=DatasetSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Rename or describe a data set, or, as a manager, list it in the catalogue. Honours If-Match."""
        dataset = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(dataset).data)
        asked = self.get_serializer(dataset, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        given = {key: asked.validated_data.get(key) for key in ("name", "description")}
        if "listed" in asked.validated_data:
            services.list_dataset(actor=self.actor, dataset=dataset, listed=asked.validated_data["listed"])
        return self._answer(services.update_dataset(actor=self.actor, dataset=dataset, **given))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Delete a data set with its versions; refused while runs were made from it. Honours If-Match."""
        dataset = self.object(Verb.MANAGE)
        self.check_if_match(request, self.get_serializer(dataset).data)
        services.delete_dataset(actor=self.actor, dataset=dataset)
        return Response(status=status.HTTP_204_NO_CONTENT)


class _OfDataset(AtriumViewSet):
    """What belongs to one data set, whose id is in the URL."""

    def dataset(self, verb: Verb) -> Dataset:
        dataset: Dataset = get_object_or_404(Dataset.objects.visible_to(self.actor), pk=self.kwargs["id"])
        require(self.actor, verb, dataset)
        return dataset


VIEW_AS = OpenApiParameter(
    "view_as", UUID, description="A grant on the data set: its owner's managers see what that grant gives."
)


class VersionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _OfDataset):
    """The versions of one data set. Their schema and state can be discovered; rows and figures need *preview*."""

    model = DatasetVersion
    queryset = DatasetVersion.objects.none()
    serializer_class = VersionSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = ("-number",)
    ordering_fields = ("number", "created_at")

    def get_queryset(self) -> QuerySet[DatasetVersion]:
        if getattr(self, "swagger_fake_view", False):
            return DatasetVersion.objects.none()
        versions = DatasetVersion.objects.filter(dataset=self.dataset(Verb.DISCOVER))
        return versions.select_related("dataset", "created_by", "job").order_by("-number")

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {**super().get_serializer_context()}
        if getattr(self, "swagger_fake_view", False):
            return context
        dataset = Dataset.objects.filter(pk=self.kwargs["id"])
        seen_by = self._viewer(dataset[0]) if "view_as" in self.request.query_params else self.actor
        return {**context, "actor": seen_by, "grants": grants_for(seen_by, dataset)}

    def _viewer(self, dataset: Dataset) -> Actor:
        """Who reads: the caller, or with `?view_as=`, who was given that grant."""
        return viewer(self.actor, dataset, self.request.query_params.get("view_as", ""))

    def get_parsers(self) -> list[Any]:
        return [MultiPartParser(), BoundedJSONParser()]

    @extend_schema(
        request={"multipart/form-data": UploadSerializer, "application/json": NextVersionSerializer},
        responses={201: VersionSerializer},
    )
    def create(self, request: Request, id: str) -> Response:
        """Make the next version from a file sent along; or, with JSON, from a finished upload (`upload`), or from an
        earlier version's file read again with other options (`source_version`)."""
        dataset = self.dataset(Verb.EDIT)
        if "source_version" in request.data:
            version = self._again(request, dataset)
        elif "upload" in request.data:
            given = _checked(FromUploadSerializer, request)
            given["upload"] = upload_services.usable(actor=self.actor, upload_id=given["upload"])
            version = upload_services.import_upload_as_version(actor=self.actor, dataset=dataset, **given)
        else:
            version = services.add_version(actor=self.actor, dataset=dataset, **_checked(UploadSerializer, request))
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    def _again(self, request: Request, dataset: Dataset) -> DatasetVersion:
        given = _checked(AgainSerializer, request)
        source = dataset.versions.filter(number=given["source_version"]).first()
        if source is None:
            raise invalid("source_version", "the data set has no version of this number")
        return services.import_again(actor=self.actor, version=source, options=given["options"])

    @extend_schema(parameters=[VIEW_AS], responses=ProfileSerializer)
    @action(detail=True)
    def profile(self, request: Request, id: str, number: int) -> Response:
        """Figures of the whole table, column by column."""
        version = self.get_object()
        return Response(reading.read_profile(actor=self._viewer(version.dataset), version=version).profile)

    @extend_schema(
        parameters=[
            OpenApiParameter("offset", int), OpenApiParameter("limit", int, description="1 to 1,000; 50 without"),
            OpenApiParameter("sort", str, description="a column; “-column” descends"),
            OpenApiParameter("where", str, many=True, description="age>=30 · city=Oslo · note~late · income is missing"),
            VIEW_AS,
        ],
        responses=RowsSerializer,
    )  # fmt: skip
    @action(detail=True)
    def rows(self, request: Request, id: str, number: int) -> Response:
        """A page of rows."""
        version = self.get_object()
        asked = request.query_params
        page = reading.read_rows(
            actor=self._viewer(version.dataset), version=version,
            offset=_whole(asked, "offset", 0), limit=_whole(asked, "limit", 50),
            sort=asked.get("sort", ""), where=asked.getlist("where"),
        )  # fmt: skip
        body = {"results": page.rows, "total": page.total, "offset": page.offset, "limit": page.limit}
        return Response({**body, "columns": page.columns})

    @extend_schema(
        parameters=[
            OpenApiParameter("against", int, required=True, description="the older version's number"),
            OpenApiParameter("key", str, many=True, description="columns that match rows; without, whole rows are counted"),
        ],
        responses=OpenApiTypes.OBJECT,
    )  # fmt: skip
    @action(detail=True)
    def diff(self, request: Request, id: str, number: int) -> Response:
        """What changed since an older version: columns, rows by key, and how each column is distributed."""
        version = self.get_object()
        against = request.query_params.get("against", "")
        if not against:
            raise invalid("against", "name the older version by its number")
        older = get_object_or_404(self.get_queryset(), number=_whole(request.query_params, "against", 0))
        key = request.query_params.getlist("key")
        return Response(compare_versions(actor=self.actor, older=older, newer=version, key=key))

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True)
    def rejects(self, request: Request, id: str, number: int) -> HttpResponseBase:
        """What an import set aside as CSV: line, column (of a cell), reason, text."""
        version = self.get_object()
        parts = reading.read_rejects(actor=self._viewer(version.dataset), version=version)
        name = f"{version.dataset.name} v{version.number} rejects.csv"
        return download(request._request, parts, name=name, content_type=reading.FORMATS["csv"])

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=list(reading.FORMATS), description="csv without"), VIEW_AS],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request: Request, id: str, number: int) -> HttpResponseBase:
        """The table as CSV, safe for spreadsheets, or as Parquet."""
        version, kind = self.get_object(), request.query_params.get("as", "csv")
        parts = reading.download(actor=self._viewer(version.dataset), version=version, kind=kind)
        name = f"{version.dataset.name} v{version.number}.{kind}"
        return download(request._request, parts, name=name, content_type=reading.FORMATS[kind])


def _checked(serializer: type[Any], request: Request) -> dict[str, Any]:
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _whole(asked: Any, name: str, default: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise invalid(name, f"got {text[:20]!r}; expected a whole number")
    return int(text)


class DatasetGrantViewSet(mixins.ListModelMixin, _OfDataset):
    """What the owner lets other departments do with one data set. A grant is taken back at grants/{id}/."""

    queryset = Grant.objects.none()
    serializer_class = GrantSerializer
    ordering_fields = ("created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Grant]:
        if getattr(self, "swagger_fake_view", False):
            return Grant.objects.none()
        dataset = self.dataset(Verb.DISCOVER)
        require_in(self.actor, Verb.DISCOVER, dataset.department)
        return grants_on(dataset)

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {**super().get_serializer_context()}
        return context if getattr(self, "swagger_fake_view", False) else {**context, "actor": self.actor}

    @extend_schema(responses={201: GrantSerializer})
    def create(self, request: Request, id: str) -> Response:
        """Let another department do named verbs on the data set, until a moment. The owner's managers may."""
        dataset = self.dataset(Verb.MANAGE)
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        grant = create_grant(obj=dataset, created_by=cast(User, request.user), **asked.validated_data)
        return Response(self.get_serializer(grant).data, status=status.HTTP_201_CREATED)
