"""Sizes are budgets: a module has at most 600 lines, a function at most 80."""

from __future__ import annotations

import pytest
from house import Module, all_modules, functions

MODULE_LINES = 600
FUNCTION_LINES = 80


@pytest.mark.parametrize("module", all_modules(), ids=lambda module: module.name)
def test_module_keeps_its_budget(module: Module) -> None:
    assert len(module.file.read_text("utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("module", all_modules(), ids=lambda module: module.name)
def test_functions_keep_their_budget(module: Module) -> None:
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(module.tree)}
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}
