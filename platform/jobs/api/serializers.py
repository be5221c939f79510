"""Jobs as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from jobs.models import Job, JobLog


class JobLineSerializer(serializers.ModelSerializer[JobLog]):
    """One line that a job said to its person."""

    class Meta:
        model = JobLog
        fields = ["id", "at", "attempt", "level", "message"]


class AboutSerializer(serializers.Serializer[Any]):
    """What the job works on."""

    kind = serializers.CharField()
    id = serializers.UUIDField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """`error` is a problem document with a `hint`; `signal` is what was asked of the job and not yet followed."""

    department: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    created_by: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="username", read_only=True)
    name = serializers.CharField(source="title", read_only=True)
    about = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id", "name", "kind", "department", "about", "state", "signal", "progress", "note", "result", "error",
            "attempt", "queue", "created_at", "created_by", "started_at", "finished_at", "url",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(AboutSerializer(allow_null=True))
    def get_about(self, job: Job) -> dict[str, Any] | None:
        return {"kind": job.about_kind, "id": job.about_id} if job.about_id else None

    def get_url(self, job: Job) -> str:
        return str(reverse("api:job-detail", kwargs={"id": job.pk}, request=self.context.get("request")))


class JobDetailSerializer(JobSerializer):
    """With the last lines of the log, for those who may preview the department's data."""

    log = serializers.SerializerMethodField()

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "log"]
        read_only_fields = fields

    @extend_schema_field(JobLineSerializer(many=True))
    def get_log(self, job: Job) -> Any:
        return JobLineSerializer(self.context["tail"], many=True).data
