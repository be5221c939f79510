"""What is wrong with a request or an artifact, in words that say where and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ArtifactRefused(Exception):  # noqa: N818 -- named for what the person is told
    """The folder is not what its manifest says. `code` is stable, `detail` names the file."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Unfit(Exception):  # noqa: N818 -- a value that its column does not take
    """A value that its column does not take. `text` is a message with %-placeholders for `values`."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text % values)
        self.text = text
        self.values = values


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its path, such as `instances[3].age`, and the message, kept apart from its values so
    that a page can say it in another language."""

    field: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return self.text % self.values


class InstanceErrors(Exception):  # noqa: N818 -- several errors, one exception
    """Instances that the model cannot answer. `errors` holds {"field", "message"}, at most `LIMIT` of them."""

    LIMIT = 50

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3]))
        self.faults = faults

    @property
    def errors(self) -> list[dict[str, str]]:
        return [{"field": fault.field, "message": fault.message} for fault in self.faults]
