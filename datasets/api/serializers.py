"""Data sets and their versions as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from datasets import tables
from datasets.models import Dataset, DatasetVersion, Upload
from datasets.uploads import services as upload_services
from departments.models import Department


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["integer", "number", "boolean", "date", "datetime", "text"])


class VersionSerializer(serializers.ModelSerializer[DatasetVersion]):
    """One immutable content: what was read, from what, and where its parts are.

    A reader who was granted a part sees the columns of that part; what could hold other values is left empty.
    """

    dataset = serializers.UUIDField(source="dataset_id", read_only=True)
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    schema = ColumnSerializer(many=True, read_only=True)
    origin = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = DatasetVersion
        fields = (
            "id", "dataset", "number", "state", "job", "rows", "columns", "rejected_rows", "quarantined_cells", "quality",
            "sha256", "source_sha256", "source_name", "source_bytes", "schema", "options", "notes", "error", "origin",
            "created_at", "created_by", "url",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: DatasetVersion) -> dict[str, Any]:
        known = self.context["grants"].get(instance.dataset_id, [])
        return super().to_representation(tables.seen(instance, self.context["actor"], grants=known))

    @extend_schema_field(serializers.DictField())
    def get_origin(self, version: DatasetVersion) -> dict[str, Any]:
        """Where it was read or what it was made from; hosts and steps are for its own department."""
        return dict(version.origin) if version.department_id in self.context["actor"].roles else {}

    def get_url(self, version: DatasetVersion) -> str:
        kwargs = {"id": version.dataset_id, "number": version.number}
        return reverse("api:dataset-version-detail", kwargs=kwargs, request=self.context.get("request"))


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A data set with its newest version; `relation` says whether it is the caller's own, granted or discoverable."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    relation = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(view_name="api:dataset-detail", lookup_field="id")

    class Meta:
        model = Dataset
        fields = (
            "id", "name", "description", "department", "is_simulated", "listed", "relation", "version", "job", "created_at",
            "updated_at", "created_by", "url",
        )  # fmt: skip
        read_only_fields = ("id", "is_simulated", "created_at", "updated_at")
        # The service says which name is taken; a validator here would need the department.
        validators: list[Any] = []
        extra_kwargs = {"name": {"required": False}, "description": {"required": False}}

    @extend_schema_field(serializers.ChoiceField(choices=["owned", "granted", "discoverable"]))
    def get_relation(self, dataset: Dataset) -> str:
        return str(self.context["relations"].get(dataset.pk, "discoverable"))

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_version(self, dataset: Dataset) -> Any:
        newest = self._newest(dataset)
        return VersionSerializer(newest, context=self.context).data if newest else None

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_job(self, dataset: Dataset) -> Any:
        newest = self._newest(dataset)
        return newest.job_id if newest else None

    def _newest(self, dataset: Dataset) -> DatasetVersion | None:
        return next(iter(dataset.newest_list), None)  # type: ignore[attr-defined]


class UploadSerializer(serializers.Serializer[Any]):
    """A multipart upload. `options` is a JSON object: format, encoding, delimiter, header, dates, types, missing…"""

    file = serializers.FileField(max_length=None)
    options = serializers.JSONField(required=False)


class NewDatasetSerializer(UploadSerializer):
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    description = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class AgainSerializer(serializers.Serializer[Any]):
    """Reading a version's original file again, with other options."""

    source_version = serializers.IntegerField(min_value=1)
    options = serializers.JSONField()


class FromUploadSerializer(serializers.Serializer[Any]):
    """A file that came through uploads/, to be read with these options."""

    upload = serializers.UUIDField()
    options = serializers.JSONField(required=False)


class NewFromUploadSerializer(FromUploadSerializer):
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all(), required=False)
    description = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """Reading options to try on a finished upload, and how many rows to show."""

    options = serializers.DictField(required=False, default=dict)
    rows = serializers.IntegerField(required=False, default=50, min_value=1, max_value=500)


class NextVersionSerializer(serializers.Serializer[Any]):
    """Either a finished upload, or an earlier version whose file is read again."""

    upload = serializers.UUIDField(required=False)
    source_version = serializers.IntegerField(min_value=1, required=False)
    options = serializers.JSONField(required=False)


class DuplicateSerializer(serializers.Serializer[Any]):
    """A version that was read from exactly the same bytes."""

    dataset = serializers.UUIDField(source="dataset_id")
    name = serializers.CharField(source="dataset.name")
    version = serializers.IntegerField(source="number")
    created_at = serializers.DateTimeField()


class UploadStateSerializer(serializers.ModelSerializer[Upload]):
    """A file on its way in. `sha256` is there when all of it is."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    dataset = serializers.UUIDField(source="dataset_id", read_only=True, allow_null=True)
    name = serializers.CharField(source="filename", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    duplicates = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(view_name="api:upload-detail", lookup_field="id")

    class Meta:
        model = Upload
        fields = (
            "id", "name", "department", "dataset", "length", "offset", "sha256", "duplicates", "expires_at", "created_at",
            "created_by", "url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(DuplicateSerializer(many=True))
    def get_duplicates(self, upload: Upload) -> Any:
        """Only of a single upload: a list asks the database once."""
        view = self.context.get("view")
        if view is None or view.action == "list":
            return []
        return DuplicateSerializer(
            upload_services.duplicates_of(actor=view.actor, sha256=upload.sha256), many=True
        ).data


class RowsSerializer(serializers.Serializer[Any]):
    """A page of rows: values by column name."""

    results = serializers.ListField(child=serializers.DictField())
    total = serializers.IntegerField()
    offset = serializers.IntegerField()
    limit = serializers.IntegerField()
    columns = ColumnSerializer(many=True)
