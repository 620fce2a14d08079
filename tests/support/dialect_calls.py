"""One and the same text as each dialect's client would send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

BLANK_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQAAAAA3iMLMAAAADklEQVR4nGP4"
    "/5+BFAQA/U4f4cOgO+EAAAAASUVORK5CYII="
)
"""A picture without anything to read."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request of one dialect; `reason_path` leads to the words of its answer."""

    dialect: str
    path: str
    headers: Mapping[str, str]
    body: Any
    reason_path: tuple[str, ...]

    def send(self, client: httpx.Client, key: str) -> httpx.Response:
        headers = {name: value.replace("KEY", key) for name, value in self.headers.items()}
        return client.post(self.path, json=self.body, headers=headers)

    def reason(self, answer: Any) -> str:
        for step in self.reason_path:
            answer = answer[step]
        return str(answer)


_BEARER = {"Authorization": "Bearer KEY"}
_PAIR = {"DD-API-KEY": "KEY", "DD-APPLICATION-KEY": "KEY"}


def calls(text: str) -> list[Call]:
    """The text as a user's message, once for every dialect's main endpoint."""
    messages = [{"role": "user", "content": text}]
    application = {**_BEARER, "TMV1-Application-Name": "travel-bot"}
    attributes = {"messages": messages, "meta": {"service": "travel-bot", "env": "prod"}}
    return [
        Call("native", "/v1/evaluate", _BEARER, {"text": text}, ("reason",)),
        Call(
            "datadog",
            "/api/v2/ai-guard/evaluate",
            _PAIR,
            {"data": {"type": "evaluations", "attributes": attributes}},
            ("data", "attributes", "reason"),
        ),
        Call("pangea", "/ai-guard/v1/text/guard", _BEARER, {"text": text}, ("summary",)),
        Call("pangea", "/v1/guard", _BEARER, {"input": {"messages": messages}}, ("summary",)),
        Call("trend", "/v3.0/aiSecurity/applyGuardrails", application, {"prompt": text}, ("reasons",)),
    ]
