"""Replace by a keyed hash."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value, check_key_name

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session


class Hash:
    """HMAC of the value under the tenant's key, in lower-case hex. Equal values give equal hashes.

    `hash_type` is `sha256` (default) or `md5`, kept for callers who need its length. A new key of the ring gives new
    hashes, and so does each `key_name`: a name of the caller's choice, for a key of its own made from the ring's.
    """

    action = RuleAction.HASH
    parameter_names = frozenset({"hash_type", "key_name"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`hash_type` must be known, `key_name` short."""
        check_key_name(parameters)
        if parameters.get("hash_type", "sha256") not in ("md5", "sha256"):
            raise InvalidInput("hash_type is md5 or sha256", path=("parameters", "hash_type"), code="not_in_enum")

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """64 (or 32) hexadecimal digits."""
        data = value.text.encode("utf-8", "surrogatepass")
        key = session.hash_key(parameters.get("key_name", ""))
        return Replacement(hmac.digest(key, data, parameters.get("hash_type", "sha256")).hex())
