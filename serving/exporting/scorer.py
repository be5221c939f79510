"""What goes into an exported bundle beside the model: the code that answers here, and a command that calls it.

The files of the runtime and of the recipe's steps are taken as they are, found by following their imports. They move
under one package of their own, so that they meet no other package's names (`datasets` is also one of Hugging Face).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "atrium_scorer"
OURS = frozenset({"datasets", "plugins", "serving"})
COMMAND = "serving.exporting.predict"
# The steps are found by looking into their folder, so no import leads to each of them.
DISCOVERED = "datasets.steps"
README = """\
An exported model of Atrium. With Python 3.11 or newer:

    pip install numpy onnxruntime
    python predict.py rows.csv > answers.csv        also .json and .jsonl

or from Python, in this folder:

    from atrium_scorer.serving.runtime.predictor import Predictor
    Predictor.load(".").predict([{"column": value, ...}])

manifest.json names the columns that the model reads ("inputs") and holds the sha256 of the model's own files, which are
checked whenever it is loaded.
"""


@cache
def files() -> dict[str, bytes]:
    """{path in the bundle: content}, the same for every model."""
    packed = {"README.txt": README.encode(), "predict.py": _moved(_file(COMMAND))}
    for module in sorted(modules()):
        path = _file(module)
        inner = f"{module.replace('.', '/')}/__init__" if path.name == "__init__.py" else module.replace(".", "/")
        packed[f"{PACKAGE}/{inner}.py"] = _moved(path)
    packed[f"{PACKAGE}/__init__.py"] = b'"""The code with which Atrium answers."""\n'
    return packed


def modules() -> set[str]:
    """Every module of ours that answering needs, with the packages around each. The command itself is not among them."""
    steps = [f"{DISCOVERED}.{path.stem}" for path in _file(DISCOVERED).parent.glob("*.py") if path.stem != "__init__"]
    found: set[str] = set()
    waiting = [*_imported(_file(COMMAND)), *steps]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [*_imported(_file(module)), *_packages(module)]
    return found


def _packages(module: str) -> Iterator[str]:
    while module := module.rpartition(".")[0]:
        yield module


def _file(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        # A namespace package, such as a folder without __init__.py, would not be found in the bundle either.
        raise ModuleNotFoundError(f"{module} has no file that could be packed", name=module)
    return Path(spec.origin)


def _imported(path: Path) -> Iterator[str]:
    for node in _own_imports(ast.parse(path.read_text())):
        assert node.module is not None
        submodules = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from [name for name in submodules if _is_module(name)] or [node.module]


def _is_module(name: str) -> bool:
    """Whether `from package import name` names a module and not a constant or class inside one."""
    parent = find_spec(name.rpartition(".")[0])
    return parent is not None and parent.submodule_search_locations is not None and find_spec(name) is not None


def _own_imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """The imports of our modules, in functions too, without those that only a type checker follows."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import) and any(alias.name.split(".")[0] in OURS for alias in child.names):
            raise SyntaxError(f"line {child.lineno}: write “from … import …”, which can be moved under another package")
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] in OURS:
            yield child
        yield from _own_imports(child)


def _moved(path: Path) -> bytes:
    """The file with its imports of our modules led into the package."""
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    for node in _own_imports(ast.parse(text)):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line.replace("from ", f"from {PACKAGE}.", 1)
    return "".join(lines).encode()
