"""Replace by an encrypted value of the same form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value, check_key_name
from guardhouse.redaction.formats import ALPHABETS

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session

_TWEAK = re.compile(r"[A-Za-z0-9]{7}")


class Fpe:
    """Format-preserving encryption (FF1 with AES-256): same length, same kind of characters, punctuation in place.

    Cards keep a valid check digit, social security numbers stay valid. `alphabet` is chosen to fit the value unless
    given; `tweak`, 7 letters or digits, makes equal values equal in all calls, else they are so within a conversation.
    Each `key_name`, a name of the caller's choice, encrypts under a key of its own that is made from the ring's.
    A value with fewer than a million possible encryptions, or with letters that none of the alphabets has, gets a
    numbered name instead (`replace` in its `action`). Both come back by un-redaction.
    """

    action = RuleAction.FPE
    parameter_names = frozenset({"alphabet", "tweak", "key_name"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`alphabet` must be known, `tweak` have its form, `key_name` be short."""
        check_key_name(parameters)
        if parameters.get("alphabet", "numeric") not in ALPHABETS:
            raise InvalidInput(
                f"alphabet is one of: {', '.join(ALPHABETS)}", path=("parameters", "alphabet"), code="not_in_enum"
            )
        tweak = parameters.get("tweak", "0000000")
        if not isinstance(tweak, str) or not _TWEAK.fullmatch(tweak):
            raise InvalidInput("tweak is 7 letters or digits", path=("parameters", "tweak"))

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """The encrypted value, or a name where it cannot be encrypted."""
        text = session.encrypted(
            value,
            alphabet=parameters.get("alphabet"),
            tweak=parameters.get("tweak"),
            key_name=parameters.get("key_name", ""),
        )
        if text is not None:
            return Replacement(text, stays_bare=True)
        return Replacement(session.named(value, is_restorable=True), action=RuleAction.REPLACE)
