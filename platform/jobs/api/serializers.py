"""Jobs as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from jobs import waiting
from jobs.models import Job, JobLog
from jobs.waiting import Waiting


class JobLineSerializer(serializers.ModelSerializer[JobLog]):
    """One line that a job said to its person."""

    class Meta:
        model = JobLog
        fields = ["id", "at", "attempt", "level", "message"]


class AboutSerializer(serializers.Serializer[Any]):
    """What the job works on."""

    kind = serializers.CharField()
    id = serializers.UUIDField()


class WaitingSerializer(serializers.Serializer[Any]):
    """Why a queued job has not begun: its place in line, roughly when it begins (seconds), or what it waits for."""

    reason = serializers.ChoiceField(choices=["next", "queue", "quota-cpu", "no-worker"])
    detail = serializers.CharField()
    position = serializers.IntegerField(allow_null=True)
    starts_in = serializers.FloatField(allow_null=True)
    gave_way = serializers.BooleanField(help_text="It ran, and made room for another department's job.")


class JobsSerializer(serializers.ListSerializer[Any]):
    """Asks once why the jobs of a page wait."""

    def to_representation(self, data: Any) -> Any:
        jobs = list(data)
        if isinstance(self.child, JobSerializer):
            self.child.why = waiting.of(jobs)
        return super().to_representation(jobs)


class JobSerializer(serializers.ModelSerializer[Job]):
    """`error` is a problem document with a `hint`; `signal` is what was asked of the job and not yet followed."""

    department: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    created_by: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="username", read_only=True)
    name = serializers.CharField(source="title", read_only=True)
    about = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField(help_text="Only while it is queued.")
    cpu_seconds = serializers.FloatField(read_only=True, help_text="User and system time of all its processes.")
    url = serializers.SerializerMethodField()

    # What the list found out for all its jobs at once.
    why: dict[Any, Waiting] | None = None

    class Meta:
        model = Job
        list_serializer_class = JobsSerializer
        fields = [
            "id", "name", "kind", "department", "about", "state", "waiting", "signal", "progress", "note", "result", "error",
            "attempt", "cpu_seconds", "queue", "created_at", "created_by", "started_at", "finished_at", "url",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(AboutSerializer(allow_null=True))
    def get_about(self, job: Job) -> dict[str, Any] | None:
        return {"kind": job.about_kind, "id": job.about_id} if job.about_id else None

    @extend_schema_field(WaitingSerializer(allow_null=True))
    def get_waiting(self, job: Job) -> dict[str, Any] | None:
        found = (waiting.of([job]) if self.why is None else self.why).get(job.pk)
        return found.to_json() if found else None

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
