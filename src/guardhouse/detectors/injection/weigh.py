"""How phrases, the classifier and hidden text add up to one confidence per kind of attack.

Rules, in this order (log odds throughout, so that evidence adds):

1. A phrase counts by its own confidence plus half the log odds of the rest of the evidence: the classifier's `attack`
   head and the strongest other phrase, whichever says more. So a plain override phrase stands by itself, a weak phrase
   counts in bad company only, and a harmless text that quotes one phrase can still pass. A phrase that had to be
   decoded first was hidden on purpose and gains further.
2. The strongest phrase gives the kind its confidence; every further phrase adds a little.
3. A head gives its kind the smaller of its own and the attack head's confidence: a kind is never surer than that there
   is an attack.
4. Phrases and head together: the higher of the two.
5. What the attack head says is never lost: where no kind reaches it, the likeliest kind of the channel takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, log

from guardhouse.matching.pattern import Hit
from guardhouse.model.finding import Span

COMPANY = 0.5
"""What the log odds of the other evidence count for a phrase."""
HIDDEN = 0.8
"""Log odds that a phrase gains by being disguised."""
FURTHER = 0.25
"""Part of a further phrase's confidence that closes the distance to 1."""
HIGHEST = 0.99
_LEAST, _MOST = 0.05, 0.97
"""No evidence counts for more than that as company."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A kind's confidence, where it stood, who said so and one short fact."""

    confidence: float
    span: Span | None
    analyzer: str
    fact: str


def log_odds(confidence: float) -> float:
    """The log odds of a confidence, kept away from infinity."""
    bounded = min(max(confidence, 1e-4), 1 - 1e-4)
    return log(bounded / (1 - bounded))


def from_log_odds(odds: float) -> float:
    """The confidence of log odds."""
    return 1 / (1 + exp(-max(min(odds, 30.0), -30.0)))


def weigh_phrases(hits: Iterable[Hit], attack: float) -> Mapping[str, Weighed]:
    """By kind what the phrases say, given the confidence of the attack head."""
    best: dict[str, Hit] = {}
    for hit in hits:  # one hit of each phrase: saying a thing twice does not make it truer; a hidden one tells more
        known = best.get(hit.pattern.id)
        if known is None or (is_hidden(hit) and not is_hidden(known)):
            best[hit.pattern.id] = hit
    ranked = sorted(best.values(), key=_own_confidence, reverse=True)
    weighed: dict[str, Weighed] = {}
    for hit in ranked:
        other = next((_own_confidence(one) for one in ranked if one is not hit), 0.0)
        company = min(max(attack, other, _LEAST), _MOST)
        confidence = from_log_odds(log_odds(_own_confidence(hit)) + COMPANY * log_odds(company))
        for kind in hit.pattern.data["kinds"]:
            weighed[kind] = _added(weighed.get(kind), confidence, hit)
    return weighed


def is_hidden(hit: Hit) -> bool:
    """True for a match outside the text as it stands: decoded, or rewritten letter by letter."""
    return hit.view.name != "text"


def _own_confidence(hit: Hit) -> float:
    confidence = float(hit.pattern.data["confidence"])
    return from_log_odds(log_odds(confidence) + HIDDEN) if is_hidden(hit) else confidence


def _added(known: Weighed | None, confidence: float, hit: Hit) -> Weighed:
    if known is None or confidence > known.confidence:
        first, second = confidence, known.confidence if known else 0.0
        span, fact = hit.span, hit.pattern.id
    else:
        first, second = known.confidence, confidence
        span, fact = known.span or hit.span, known.fact
    raised = first + (1 - first) * FURTHER * second if second > 0 else first
    return Weighed(min(raised, HIGHEST), span, "patterns", fact)
