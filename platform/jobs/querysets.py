"""Jobs as lists show them."""

from __future__ import annotations

from typing import Self

from departments.querysets import ProtectedQuerySet


class JobQuerySet(ProtectedQuerySet):
    """Visible to the department's members and, without its log, to platform admins."""

    def with_what_lists_show(self) -> Self:
        return self.select_related("created_by", "department")
