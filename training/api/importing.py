"""What registering an ONNX file takes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from departments.models import Department
from training.importing.graph import MOST_CLASSES
from training.importing.services import TASKS


class ColumnNameSerializer(serializers.Serializer[Any]):
    """A column of the graph, in its order."""

    name = serializers.CharField(max_length=255)
    type = serializers.ChoiceField(choices=["number", "integer", "boolean"], required=False)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]


class SamplesSerializer(serializers.Serializer[Any]):
    """Rows and what the model answers to them: numbers, labels, or lists of probabilities."""

    instances = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=1000)
    expected = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=1000)


class JSONPart(serializers.JSONField):
    """A part of a form that holds JSON as text, checked by `shape`."""

    def __init__(
        self, shape: serializers.BaseSerializer[Any] | serializers.Field[Any, Any, Any, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.shape = shape

    def to_internal_value(self, data: Any) -> Any:
        self.binary = isinstance(data, str)
        return self.shape.run_validation(super().to_internal_value(data))


class ImportSerializer(serializers.Serializer[Any]):
    """An ONNX file and what cannot be read from it. `inputs`, `classes` and `samples` are JSON."""

    file = serializers.FileField(max_length=None)
    name = serializers.CharField(max_length=160)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    task = serializers.ChoiceField(choices=TASKS)
    target = serializers.CharField(max_length=200, help_text="What it predicts.")
    inputs = JSONPart(
        ColumnNameSerializer(many=True), required=False,
        help_text='The graph\'s columns in its order: [{"name": "age", "type": "integer"}, …].',
    )  # fmt: skip
    classes = JSONPart(
        serializers.ListField(child=serializers.JSONField(), min_length=2, max_length=MOST_CLASSES), required=False,
        help_text="In the order of the probabilities, where the graph does not name them.",
    )  # fmt: skip
    samples = JSONPart(
        SamplesSerializer(), required=False, help_text='{"instances": [{column: value}], "expected": […]}.'
    )
