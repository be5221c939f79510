"""The OpenAPI document: every operation says which problems it may answer with."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable and machine-readable."},
        "detail": {"type": "string", "description": "What was wrong and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
DESCRIPTIONS = {
    "400": "The request could not be read.",
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "Visible, but not allowed: `code` names the rule.",
    "404": "There is nothing here, or nothing that the caller may see.",
    "405": "The method is not one of this resource.",
    "406": "No representation of this kind exists.",
    "409": "The state of the object does not allow it.",
    "412": "The object changed since its ETag was read.",
    "413": "The body is too large.",
    "415": "The content type is not read here.",
    "422": "A value cannot be used: `errors` names fields.",
    "429": "Too many requests: wait for `Retry-After` seconds.",
}


class AtriumSchema(AutoSchema):
    """Groups operations by their first path segment."""

    def get_tags(self) -> list[str]:
        parts = self.path.removeprefix("/api/v1/").split("/")
        return [parts[0] or "root"]


def add_problem_responses(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular hook: add the problem responses to every operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                for status, text in DESCRIPTIONS.items():
                    operation["responses"].setdefault(status, {"description": text, "content": content})
    return result
