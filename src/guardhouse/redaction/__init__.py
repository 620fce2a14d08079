"""Rewriting: one operator per file, and the one place that edits texts."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.hookspecs import hookimpl
from guardhouse.redaction.base import Operator


@hookimpl
def guardhouse_operators() -> Iterable[Operator]:
    """The built-in operators."""
    from guardhouse.redaction.defang import Defang
    from guardhouse.redaction.fpe import Fpe
    from guardhouse.redaction.hash import Hash
    from guardhouse.redaction.mask import Mask
    from guardhouse.redaction.partial_mask import PartialMask
    from guardhouse.redaction.replace import Replace
    from guardhouse.redaction.surrogate import Surrogate

    return [Defang(), Fpe(), Hash(), Mask(), PartialMask(), Replace(), Surrogate()]
