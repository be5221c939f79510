"""What is wrong with a recipe, and where."""

from __future__ import annotations


class RecipeError(ValueError):
    """A recipe that cannot be used on its table.

    `errors` is a list of {"field", "message"}; fields are paths such as `steps[2].columns[0]`.
    """

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors

    @classmethod
    def at(cls, field: str, message: str) -> RecipeError:
        return cls([{"field": field, "message": message}])
