"""The source tree as the gate tests see it: modules, their imports and their sizes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PACKAGE = "guardhouse"

LEVELS = {
    "errors": 0,
    "model": 0,
    "text": 1,
    "hookspecs": 1,
    "settings": 1,
    "redaction": 2,
    "matching": 2,
    "classifier": 2,
    "images": 2,
    "storage": 2,
    "client": 2,
    "plugins": 3,
    "detectors": 3,
    "engine": 4,
    "testing": 5,
    "signals": 5,
    "bulk": 5,
    "service": 6,
    "server": 7,
    "console": 8,
    "cli": 9,
    "__main__": 10,
}
"""Every package (or single module) of the house and its layer; see CONTRIBUTING.md."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target, as an absolute dotted name, and the name taken from it ("" for all of it)."""

    module: str
    name: str
    line: int
    typing_only: bool
    at_module_level: bool


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: `name` is its dotted name, `part` the package of the house it belongs to."""

    name: str
    file: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        pieces = self.name.split(".")
        return pieces[1] if len(pieces) > 1 else ""

    @property
    def is_package(self) -> bool:
        return self.file.name == "__init__.py"

    def imports(self) -> Iterator[Import]:
        yield from _imports(self.tree, self, typing_only=False, at_module_level=True)


@cache
def all_modules() -> tuple[Module, ...]:
    modules = []
    for file in sorted((SOURCE / PACKAGE).rglob("*.py")):
        pieces = file.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)
        modules.append(Module(name, file, ast.parse(file.read_text("utf-8"))))
    return tuple(modules)


def third_party(module: str) -> str | None:
    """The top-level name of a module that is neither ours nor the standard library's, else None."""
    top = module.split(".")[0]
    return None if top == PACKAGE or top in sys.stdlib_module_names else top


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _imports(node: ast.AST, module: Module, *, typing_only: bool, at_module_level: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, "", child.lineno, typing_only, at_module_level)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, module)
            for alias in child.names:
                yield Import(base, alias.name, child.lineno, typing_only, at_module_level)
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.body:
                yield from _imports_of(statement, module, typing_only=True, at_module_level=at_module_level)
            for statement in child.orelse:
                yield from _imports_of(statement, module, typing_only=typing_only, at_module_level=at_module_level)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, module, typing_only=typing_only, at_module_level=at_module_level and not inside)


def _imports_of(statement: ast.stmt, module: Module, *, typing_only: bool, at_module_level: bool) -> Iterator[Import]:
    holder = ast.Module([statement], [])
    yield from _imports(holder, module, typing_only=typing_only, at_module_level=at_module_level)


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    pieces = module.name.split(".")
    keep = len(pieces) - node.level + (1 if module.is_package else 0)
    return ".".join([*pieces[:keep], *([node.module] if node.module else [])])


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
