"""What hiding text says by itself, and together with an attack."""

from __future__ import annotations

from collections.abc import Mapping

from guardhouse.classifier.base import HeadReading
from guardhouse.detectors.injection.weigh import HIGHEST, Weighed
from guardhouse.model.finding import Span
from guardhouse.text.views import Normalized, View

_SMUGGLED = {"tags": 0.9, "variation_selectors": 0.9, "zero_width": 0.85}
"""Views of words written in characters that show nothing: nobody does that by accident."""
_TRICKS = {
    "homoglyphs": (2, 0.3),
    "zero_width": (3, 0.3),
    "bidi": (1, 0.35),
    "combining": (8, 0.3),
    "tags": (1, 0.3),
    "variation_selectors": (4, 0.3),
    "rot13": (1, 0.4),
    "leet": (1, 0.2),
    "reversed": (1, 0.4),
    "spaced": (1, 0.3),
    "upside_down": (1, 0.3),
}
"""How often a trick must be seen to count, and its confidence alone: these also happen in harmless text."""
_LETTERS = 4
_NOT_DISGUISED_ATTACK = 0.3


def weigh_hidden(
    normalized: Normalized, weighed: Mapping[str, Weighed], phrase_was_hidden: bool, attack: HeadReading | None
) -> Weighed | None:
    """The confidence that the text is disguised in order to attack; None where nothing is disguised.

    Words in invisible characters are strong by themselves. Other tricks take the confidence of the attack that they
    disguise, and are weak without one.
    """
    smuggled = _smuggled(normalized)
    strongest = max(weighed.values(), key=lambda one: one.confidence, default=None)
    decoded = phrase_was_hidden or (attack is not None and _read_from_decoded(normalized, attack.span))
    alone = max((_alone(name, count) for name, count in normalized.tricks.items()), default=0.0)
    together = 0.0
    if strongest is not None and (decoded or alone > 0) and strongest.confidence >= _NOT_DISGUISED_ATTACK:
        together = strongest.confidence
    if smuggled is not None and smuggled.confidence >= together:
        return smuggled
    confidence = max(alone, together)
    if confidence == 0:
        return None
    tricks = ",".join(sorted(normalized.tricks))
    return Weighed(min(confidence, HIGHEST), strongest.span if strongest and together else None, "normalizer", tricks)


def _smuggled(normalized: Normalized) -> Weighed | None:
    found = [view for view in normalized.views[1:] if view.name in _SMUGGLED and _has_words(view)]
    if not found:
        return None
    view = max(found, key=lambda one: _SMUGGLED[one.name])
    return Weighed(_SMUGGLED[view.name], view.origin, "normalizer", view.name)


def _has_words(view: View) -> bool:
    return view.origin is not None and sum(map(str.isalpha, view.text)) >= _LETTERS


def _alone(trick: str, count: int) -> float:
    least, confidence = _TRICKS.get(trick, (1, 0.0))
    return confidence if count >= least else 0.0


def _read_from_decoded(normalized: Normalized, span: Span | None) -> bool:
    return span is not None and any(view.origin == span for view in normalized.views[1:])
