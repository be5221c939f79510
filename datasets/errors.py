"""What is said when a file cannot become a data set: a stable code, what is wrong and where, and what to do."""

from __future__ import annotations


class UnreadableFile(Exception):
    """The file cannot be read as a table. `code` is stable, `detail` says what and where, `hint` what to do.

    `field` names the option that does not fit, where it is one: "options.delimiter".
    """

    def __init__(self, code: str, detail: str, hint: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.field = field
        self.code = code
        self.detail = detail
        self.hint = hint
