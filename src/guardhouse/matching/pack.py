"""Pattern packs: TOML files that lie beside the detector that reads them.

A pack is a list of `[[pattern]]` tables. `id`, `regex`, `source`, `examples` and `near_misses` are required; `group`,
`before`, `after`, `ignore_case`, `disguised` and `gate` are as in `Pattern`; every other key goes into `Pattern.data`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Any

from guardhouse.errors import ConfigurationError
from guardhouse.matching.pattern import Pattern

_REQUIRED: Mapping[str, type] = {"id": str, "regex": str, "source": str, "examples": list, "near_misses": list}
_OPTIONAL: Mapping[str, type] = {
    "group": int,
    "before": str,
    "after": str,
    "ignore_case": bool,
    "disguised": bool,
    "gate": str,
}
_PATTERN_FIELDS = frozenset(item.name for item in fields(Pattern)) - {"data"}


@dataclass(frozen=True, slots=True)
class PackEntry:
    """A pattern with the texts that prove it: each of `examples` must match, none of `near_misses` may."""

    pattern: Pattern
    examples: tuple[str, ...]
    near_misses: tuple[str, ...]


@lru_cache(maxsize=256)
def load_pack(package: str, name: str) -> tuple[Pattern, ...]:
    """The patterns of the pack `name` inside `package`, in file order; read once per process.

    >>> load_pack("guardhouse.detectors.pii", "pack.toml")  # doctest: +SKIP

    Raises `ConfigurationError` for a pack that is missing or of the wrong form.
    """
    return tuple(entry.pattern for entry in read_pack(package, name))


def read_pack(package: str, name: str) -> tuple[PackEntry, ...]:
    """The pack's entries with their proofs, for tests and tools; reads the file each time."""
    where = f"{package}/{name}"
    try:
        document = tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8"))
    except (OSError, ModuleNotFoundError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"the pattern pack {where!r} cannot be read: {error}") from error
    tables = document.pop("pattern", [])
    if document or not isinstance(tables, list):
        raise ConfigurationError(f"the pattern pack {where!r} may hold [[pattern]] tables only")
    entries = tuple(_entry(where, table) for table in tables)
    ids = [entry.pattern.id for entry in entries]
    repeated = sorted({id_ for id_ in ids if ids.count(id_) > 1})
    if repeated:
        raise ConfigurationError(f"the pattern pack {where!r} names {repeated[0]!r} twice")
    return entries


def _entry(where: str, table: Mapping[str, Any]) -> PackEntry:
    label = f"{where!r}, pattern {table.get('id', '?')!r}"
    for key, kind in _REQUIRED.items():
        if not isinstance(table.get(key), kind) or not table[key]:
            raise ConfigurationError(f"{label}: {key!r} is required, a non-empty {kind.__name__}")
    for key, kind in _OPTIONAL.items():
        if key in table and type(table[key]) is not kind:
            raise ConfigurationError(f"{label}: {key!r} must be of type {kind.__name__}, not {table[key]!r}")
    proofs = {}
    for key in ("examples", "near_misses"):
        if not all(isinstance(text, str) for text in table[key]):
            raise ConfigurationError(f"{label}: {key!r} must hold strings only")
        proofs[key] = tuple(table[key])
    given = {key: table[key] for key in _PATTERN_FIELDS if key in table}
    data = {key: value for key, value in table.items() if key not in given and key not in proofs}
    return PackEntry(Pattern(**given, data=data), proofs["examples"], proofs["near_misses"])
