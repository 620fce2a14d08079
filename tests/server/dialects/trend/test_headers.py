"""Headers and query: application, type of the body, preferences."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from guardhouse.errors import InvalidInput
from guardhouse.server.dialects.trend.headers import (
    RequestType,
    Wishes,
    application_of,
    client_of,
    request_type_of,
    wishes_of,
)


def request(*headers: tuple[str, str], query: str = "") -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Request({"type": "http", "headers": raw, "query_string": query.encode(), "method": "POST", "path": "/"})


@pytest.mark.parametrize("name", ["a", "my-chat-app", "App_2", "x" * 64])
def test_application_names(name: str) -> None:
    assert application_of(request(("TMV1-Application-Name", name))) == name


@pytest.mark.parametrize("name", ["", " ", "my app", "x" * 65, "a/b", "é", "a\n", "a.b"], ids=repr)
def test_bad_application_names(name: str) -> None:
    with pytest.raises(InvalidInput, match="invalid TMV1-Application-Name header"):
        application_of(request(("TMV1-Application-Name", name)))


def test_an_application_name_is_required() -> None:
    with pytest.raises(InvalidInput, match="invalid TMV1-Application-Name header"):
        application_of(request())


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        ("SimpleRequestGuard", RequestType.SIMPLE),
        ("SimpleRequestGuardrails", RequestType.SIMPLE),
        ("simplerequestguardRAILS", RequestType.SIMPLE),
        ("", RequestType.SIMPLE),
        (" ", RequestType.SIMPLE),
        ("OpenAIChatCompletionRequestV1", RequestType.CHAT_REQUEST),
        ("OpenAiChatCompletionRequestV1", RequestType.CHAT_REQUEST),
        ("openaichatcompletionresponsev1", RequestType.CHAT_RESPONSE),
    ],
)
def test_request_types(spelled: str, kind: RequestType) -> None:
    assert request_type_of(request(("TMV1-Request-Type", spelled))) is kind


def test_without_a_type_the_body_is_simple() -> None:
    assert request_type_of(request()) is RequestType.SIMPLE


@pytest.mark.parametrize("spelled", ["SimpleRequest", "OpenAIChatCompletionRequestV2", "application/json"])
def test_unknown_request_types(spelled: str) -> None:
    with pytest.raises(InvalidInput, match="invalid TMV1-Request-Type header"):
        request_type_of(request(("TMV1-Request-Type", spelled)))


@pytest.mark.parametrize(
    ("headers", "query", "wishes"),
    [
        ([], "", Wishes()),
        (["return=minimal"], "", Wishes()),
        (["return=representation"], "", Wishes(representation=True)),
        (["Return=Representation"], "", Wishes(representation=True)),
        (["return = representation"], "", Wishes(representation=True)),
        (["redact-pii"], "", Wishes(redact=True)),
        (["redact-pii,return=representation"], "", Wishes(representation=True, redact=True)),
        (["redact-pii", "return=representation"], "", Wishes(representation=True, redact=True)),
        (["respond-async, wait=10,,redact-PII "], "", Wishes(redact=True)),
        (["redact-pii-please"], "", Wishes()),
        ([], "detailedResponse=true", Wishes(representation=True)),
        ([], "detailedResponse=TRUE", Wishes(representation=True)),
        ([], "detailedResponse=false", Wishes()),
        ([], "detailedResponse=maybe", Wishes()),
        ([], "detailedResponse", Wishes()),
        (["redact-pii"], "detailedResponse=true", Wishes(representation=True, redact=True)),
        (["return=minimal"], "detailedResponse=true", Wishes()),
        (["return=minimal,return=representation"], "", Wishes()),
    ],
)
def test_preferences(headers: list[str], query: str, wishes: Wishes) -> None:
    assert wishes_of(request(*(("Prefer", value) for value in headers), query=query)) == wishes


def test_the_client_is_what_it_calls_itself() -> None:
    assert client_of(request()) == ""
    assert client_of(request(("User-Agent", "python-requests/2"))) == "python-requests/2"
    named = request(("TMV1-Client-Name", "litellm"), ("TMV1-Client-Version", "1.2"), ("TMV1-Plugin-Version", "0.3"))
    assert client_of(named) == "litellm 1.2 0.3"
    assert len(client_of(request(("User-Agent", "x" * 1000)))) == 256
