"""What is wrong with a request or an artifact, in words that say where and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


class ArtifactRefused(Exception):
    """The folder is not what its manifest says. `code` is stable, `detail` names the file."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Unfit(Exception):
    """A value that its column does not take. `text` is a message with %-placeholders for `values`."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text % values)
        self.text = text
        self.values = values


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its path, such as `instances[3].age`, and the message, kept apart from its values so
    that a page can say it in another language."""

    field: str
    text: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def message(self) -> str:
        return self.text % self.values


class InstanceErrors(Exception):
    """Instances that the model cannot answer. `errors` holds {"field", "message"}, at most `LIMIT` of them."""

    LIMIT = 50

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3]))
        self.faults = faults

    @property
    def errors(self) -> list[dict[str, str]]:
        return [{"field": fault.field, "message": fault.message} for fault in self.faults]
