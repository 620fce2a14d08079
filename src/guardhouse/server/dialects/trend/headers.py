"""What the request's headers and query ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from starlette.requests import Request

from guardhouse.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RequestType(Enum):
    """How the body is to be read. The value is the vendor's own spelling."""

    SIMPLE = "SimpleRequestGuard"
    CHAT_REQUEST = "OpenAIChatCompletionRequestV1"
    CHAT_RESPONSE = "OpenAIChatCompletionResponseV1"


_TYPES = {kind.value.lower(): kind for kind in RequestType} | {
    "": RequestType.SIMPLE,
    "simplerequestguardrails": RequestType.SIMPLE,
}
"""By spelling in lower case: the vendor's own pages do not agree on capitals, nor on the name of the first."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the answer is to hold."""

    representation: bool = False
    redact: bool = False


def application_of(request: Request) -> str:
    """The application's name. Raises `InvalidInput`."""
    name = request.headers.get("tmv1-application-name", "")
    if not _NAME.fullmatch(name):
        raise InvalidInput("invalid TMV1-Application-Name header")
    return name


def request_type_of(request: Request) -> RequestType:
    """The declared type of the body. Raises `InvalidInput`."""
    kind = _TYPES.get(request.headers.get("tmv1-request-type", "").strip().lower())
    if kind is None:
        raise InvalidInput(f"invalid TMV1-Request-Type header; use {', '.join(item.value for item in RequestType)}")
    return kind


def wishes_of(request: Request) -> Wishes:
    """The preferences of all `Prefer` headers; where they name no form, the query's `detailedResponse` does."""
    preferences = [
        preference.strip().lower().replace(" ", "")
        for header in request.headers.getlist("prefer")
        for preference in header.split(",")
    ]
    forms = [preference for preference in preferences if preference in ("return=minimal", "return=representation")]
    if forms:
        representation = forms[0] == "return=representation"
    else:
        representation = request.query_params.get("detailedResponse", "").strip().lower() == "true"
    return Wishes(representation, "redact-pii" in preferences)


def client_of(request: Request) -> str:
    """Name and version of the calling client, as it gives them."""
    said = [
        request.headers.get(name, "")
        for name in ("tmv1-client-name", "tmv1-client-version", "tmv1-plugin-version", "user-agent")
    ]
    return " ".join(part for part in said if part)[:256]
