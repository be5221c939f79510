"""A deployment's own OpenAPI document: the columns of its model as a schema, with an example that is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.asking import MAX_INSTANCES

TYPES: dict[str, dict[str, str]] = {
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}
REFUSALS = {
    "400": "The body is no JSON.", "401": "No valid token.", "403": "You may not ask this.",
    "404": "There is no such name.", "409": "It is paused, or its model is damaged.",
    "422": "A value cannot be read; errors name its place.", "429": "Too many requests.",
}  # fmt: skip


def document(
    *, name: str, url: str, task: str, target: str, version: str, columns: Sequence[Mapping[str, Any]],
    classes: Sequence[Any] | None, example: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """The document, OpenAPI 3.1. `columns` are as `serving.inputs.columns_shown` gives them: without statistics where the
    reader may not know them; then there are no examples, classes or ranges."""
    operation: dict[str, Any] = {
        "operationId": "predict",
        "summary": f"Predict “{target}”",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Request")}}},
        "responses": {
            "200": _json("The answers, in the order of the instances.", _ref("Response")),
            **{status: _problem(words) for status, words in REFUSALS.items()},
        },
    }
    if example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = {"instances": [dict(example)]}
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version, "description": f"A model that predicts “{target}” ({task})."},
        "servers": [{"url": url.rpartition("/predict/")[0]}],
        "security": [{"token": []}],
        "paths": {"/predict/": {"post": operation}},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Instance": instance(columns),
                "Request": _request(),
                "Answer": _answer(task, classes),
                "Response": _response(),
                "Problem": {"type": "object", "required": ["status", "code"], "properties": {
                    "status": {"type": "integer"}, "code": {"type": "string"}, "detail": {"type": "string"}}},
            },
        },
    }  # fmt: skip


def instance(columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row. A column that training always found must be there; others may be null or left out."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [column["name"] for column in columns if column["required"]],
        "properties": {column["name"]: _column(column) for column in columns},
    }


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is refused is forbidden here: a range that training saw is told and binds nobody."""
    kind: dict[str, Any] = dict(TYPES[column["type"]])
    categories = list(column.get("categories") or ())
    if not column["required"]:
        kind["type"] = [kind["type"], "null"]
    if categories and column["unseen"] == "refuse":
        kind["enum"] = categories if column["required"] else [*categories, None]
    elif categories:
        kind["description"] = "Seen in training: " + ", ".join(map(str, categories[:20])) + ". Others count as unknown."
    if column.get("minimum") is not None and column.get("maximum") is not None:
        kind["description"] = f"Training saw {column['minimum']} to {column['maximum']}."
    if column.get("example") is not None:
        kind["examples"] = [column["example"]]
    return kind


def _request() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["instances"],
        "properties": {
            "instances": {"type": "array", "minItems": 1, "maxItems": MAX_INSTANCES, "items": _ref("Instance")},
            "explain": {"type": "boolean"},
            "interval": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "key": {"type": "string", "minLength": 1, "maxLength": 200},
        },
    }


def _answer(task: str, classes: Sequence[Any] | None) -> dict[str, Any]:
    if task == "regression":
        return {"type": "object", "required": ["value"], "properties": {"value": {"type": "number"}}}
    label: dict[str, Any] = {"enum": list(classes)} if classes else {}
    shares = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}}
    return {"type": "object", "required": ["label", "probabilities"],
            "properties": {"label": label, "probabilities": shares}}  # fmt: skip


def _response() -> dict[str, Any]:
    id = {"type": "string", "format": "uuid"}
    return {
        "type": "object",
        "required": ["predictions", "model_version", "request_id"],
        "properties": {
            "predictions": {"type": "array", "items": _ref("Answer")},
            "model_version": id,
            "policy_version": {"type": ["integer", "null"]},
            "data_version": {**id, "type": ["string", "null"]},
            "request_id": id,
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(words: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
