"""What a JSON Web Token says of itself, without its value."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_MAX_FACT = 100
_MAX_PART = 20_000
_LAST_YEAR_S = 253_402_300_799
"""9999-12-31T23:59:59Z, the last instant that a date can hold."""


def facts_of(token: str) -> Mapping[str, str] | None:
    """Algorithm, type, key id, issuer and expiry of a token, as far as it names them; None if it is no token.

    `token` is `header.payload.signature`, or five parts where it is encrypted and only the header can be read. It is
    one when its header is a JSON object with `alg` or `enc`. Expiry is an ISO 8601 instant. Values that are no short
    printable text are left out. Source: RFC 7515, section 4; RFC 7519, section 4; RFC 7516, section 3.
    """
    head, payload, *_ = [*token.split("."), ""]
    header = _decoded(head)
    if header is None or not {"alg", "enc"} & header.keys():
        return None
    claims = _decoded(payload) or {}
    facts = {
        "algorithm": _short(header.get("alg")),
        "type": _short(header.get("typ")),
        "key_id": _short(header.get("kid")),
        "issuer": _short(claims.get("iss")),
        "expires": _instant(claims.get("exp")),
    }
    return {name: value for name, value in facts.items() if value}


def _decoded(part: str) -> dict[str, Any] | None:
    if not part or len(part) > _MAX_PART:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _short(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _MAX_FACT and value.isprintable() else ""


def _instant(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LAST_YEAR_S:
        return ""
    return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
