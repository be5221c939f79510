"""Finding plug-ins: every module of a package that holds the named constant is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """What a plug-in must have: a name that is unique within its kind."""

    @property
    def name(self) -> str: ...


P = TypeVar("P", bound=Named)


class Registry(Generic[P]):
    """The plug-ins of one kind, read from a package when first asked for.

    `package` is the dotted name of the folder; `constant` the module attribute that holds the plug-in. Modules
    whose name starts with an underscore, and modules without the constant, are the folder's own helpers.
    """

    def __init__(self, package: str, constant: str) -> None:
        self.package = package
        self.constant = constant
        self._found: dict[str, P] | None = None

    def _all(self) -> dict[str, P]:
        if self._found is None:
            folder = importlib.import_module(self.package)
            names = sorted(info.name for info in pkgutil.iter_modules(folder.__path__) if not info.name.startswith("_"))
            modules = [importlib.import_module(f"{self.package}.{name}") for name in names]
            plugins: list[P] = [getattr(module, self.constant) for module in modules if hasattr(module, self.constant)]
            self._found = {plugin.name: plugin for plugin in plugins}
        return self._found

    def __iter__(self) -> Iterator[P]:
        return iter(self._all().values())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __getitem__(self, name: str) -> P:
        """Return the plug-in of that name; KeyError names the known ones."""
        try:
            return self._all()[name]
        except KeyError:
            raise KeyError(f"unknown {self.constant.lower()} {name!r}; known are {', '.join(self._all())}") from None

    def names(self) -> list[str]:
        return list(self._all())
