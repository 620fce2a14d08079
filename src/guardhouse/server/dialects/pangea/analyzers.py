"""The vendor's codes for the methods that look for prompt attacks."""

from __future__ import annotations

from collections.abc import Collection

ANALYZERS = frozenset(
    {
        "PA0000",
        "PA0001",
        *(f"PA100{number}" for number in range(1, 6)),
        *(f"PA200{number}" for number in range(1, 4)),
        *(f"PA300{number}" for number in range(1, 5)),
        *(f"PA400{number}" for number in range(1, 5)),
        "PA5001",
        "PA6001",
    }
)
"""Every code a request may name."""

_CODES = {"patterns": "PA1003", "normalizer": "PA1005", "classifier": "PA4002"}
"""PA10xx are heuristics, PA40xx trained models."""
OWN_CODES = frozenset(_CODES.values())


def code_of(analyzer: str) -> str:
    """The code that stands for one of our methods; a plug-in's method keeps its name."""
    return _CODES.get(analyzer, analyzer)


def code_among(analyzer: str, named: Collection[str], off: Collection[str] = ()) -> str | None:
    """The code among `named` that stands for one of our methods; None when its word was not asked for or is `off`.

    A name of the same family will do, else a caller who names one that we lack would hear that all is well: PA10xx are
    heuristics, all others models.
    """
    code = code_of(analyzer)
    if code in off:
        return None
    if not named or code in named:
        return code
    return next((name for name in sorted(named) if _is_heuristic(name) is _is_heuristic(code)), None)


def _is_heuristic(code: str) -> bool:
    return code.startswith("PA1")
