from __future__ import annotations

import base64
import json
import random

import pytest
from evidence import findings_of

from guardhouse.detectors.secrets import jwt
from guardhouse.detectors.secrets.detector import SecretsDetector

DETECTOR = SecretsDetector()
SIGNATURE = "".join(random.Random(5).choices("abcdefghijkmnpqrstuvwxyz23456789", k=43))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(header: object, claims: object) -> str:
    return f"{part(header)}.{part(claims)}.{SIGNATURE}"


@pytest.mark.parametrize(
    ("header", "claims", "facts"),
    [
        (
            {"alg": "RS256", "typ": "JWT", "kid": "k1"},
            {"iss": "https://id.example.net", "exp": 1_700_000_000, "sub": "4711"},
            {
                "algorithm": "RS256",
                "type": "JWT",
                "key_id": "k1",
                "issuer": "https://id.example.net",
                "expires": "2023-11-14T22:13:20Z",
            },
        ),
        ({"alg": "HS256"}, {"sub": "x"}, {"algorithm": "HS256"}),
        ({"alg": "none"}, {"exp": "tomorrow", "iss": 7}, {"algorithm": "none"}),
        ({"alg": "HS256"}, {"exp": 10**30}, {"algorithm": "HS256"}),
        ({"alg": "HS256"}, {"exp": True, "iss": "a\nb"}, {"algorithm": "HS256"}),
        ({"alg": "HS256", "typ": "x" * 200}, ["no", "object"], {"algorithm": "HS256"}),
        ({"alg": "HS256"}, {"exp": float("nan")}, {"algorithm": "HS256"}),
    ],
    ids=["all", "algorithm", "odd", "far", "bool", "long", "nan"],
)
def test_what_a_token_says_of_itself(header: object, claims: object, facts: dict[str, str]) -> None:
    assert jwt.facts_of(token(header, claims)) == facts


@pytest.mark.parametrize(
    "text",
    ["", "a.b.c", "eyJ.e30.x", token({"no": "algorithm"}, {}), token(["alg"], {}), "e" * 30_000 + ".x.y"],
    ids=["empty", "letters", "cut", "no-algorithm", "list", "long"],
)
def test_what_is_no_token(text: str) -> None:
    assert jwt.facts_of(text) is None


def test_deep_nesting_is_no_token() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 14_000).decode()
    assert jwt.facts_of(f"{deep}.x.y") is None


def test_signed_and_encrypted_tokens_are_found_whole() -> None:
    signed = token({"alg": "ES256", "typ": "JWT"}, {"iss": "me", "exp": 1_700_000_000})
    encrypted = f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..{SIGNATURE[:16]}.{SIGNATURE}.{SIGNATURE[:22]}"
    for text in (signed, encrypted):
        (finding,) = findings_of(DETECTOR, f"use {text} now", least=0.5)
        assert (finding.kind, finding.value) == ("JWT_TOKEN", text)
        assert not any(text in fact or SIGNATURE in fact for fact in finding.evidence.values())
    (finding,) = findings_of(DETECTOR, signed, least=0.5)
    assert (finding.evidence["issuer"], finding.evidence["expires"]) == ("me", "2023-11-14T22:13:20Z")
