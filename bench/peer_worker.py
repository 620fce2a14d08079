"""One other guard on texts from standard input, in its own environment; prints one JSON object.

    .clients/peers/bin/python peer_worker.py presidio|detect_secrets|credsweeper|litellm < texts.json

Input: `{"speed": [text, ...], "planted": [[text, [[kind, value], ...]], ...], "limit_s": seconds}`.
Output: version, seconds and bytes done within the limit, and how many planted values were found whole.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any

Found = Callable[[str], set[str]]


def presidio() -> tuple[str, Found]:
    """Its analyzer with a blank language model: patterns, checksums and context words."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    engine = AnalyzerEngine(nlp_engine=Blank(), registry=registry, supported_languages=["en"])

    def found(text: str) -> set[str]:
        return {text[item.start : item.end] for item in engine.analyze(text, language="en")}

    return f"presidio-analyzer {version('presidio-analyzer')}, blank spaCy", found


def detect_secrets() -> tuple[str, Found]:
    """All its plugins, line by line, as its own scanner does."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    stack = ExitStack()
    stack.enter_context(default_settings())
    atexit.register(stack.close)

    def found(text: str) -> set[str]:
        return {secret.secret_value for line in text.splitlines() for secret in scan_line(line) if secret.secret_value}

    return f"detect-secrets {version('detect-secrets')}", found


def credsweeper() -> tuple[str, Found]:
    """All its rules and filters, without its model. Starts a process of its own when it is made, which ends with it."""
    from credsweeper.app import CredSweeper
    from credsweeper.file_handler.byte_content_provider import ByteContentProvider

    sweeper = CredSweeper(ml_threshold=0.0)

    def found(text: str) -> set[str]:
        candidates = sweeper.file_scan(ByteContentProvider(text.encode(), file_path="text.txt", file_type=".txt"))
        return {line.value for candidate in candidates for line in candidate.line_data_list if line.value}

    return f"CredSweeper {version('credsweeper')}, no model", found


def litellm() -> tuple[str, Found]:
    """The content filter with its prebuilt patterns for the kinds that the planted values are of, masking."""
    from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import ContentFilterGuardrail
    from litellm.types.guardrails import ContentFilterAction, ContentFilterPattern

    names = (
        ("us_ssn", "email", "us_phone", "credit_card", "visa", "mastercard", "amex", "ipv4", "ipv6", "iban")
        if "--pii" in sys.argv
        else ("aws_access_key", "aws_secret_key", "github_token", "slack_token", "generic_api_key")
    )
    guard = ContentFilterGuardrail(
        guardrail_name="bench",
        patterns=[
            ContentFilterPattern(pattern_type="prebuilt", pattern_name=name, action=ContentFilterAction.MASK)
            for name in names
        ],
    )
    loop = asyncio.new_event_loop()

    def found(text: str) -> set[str]:
        request: dict[str, Any] = {"metadata": {}}
        answer = loop.run_until_complete(guard.apply_guardrail({"texts": [text]}, request, "request"))
        masked = answer["texts"][0]
        return {word for word in words(text) if word not in masked}

    return f"LiteLLM {version('litellm')} content filter, {len(names)} patterns", found


def words(text: str) -> set[str]:
    return {word.rstrip(".") for word in text.split()}


def refuse_network() -> None:
    """Nothing is fetched while measuring; some of these libraries would try to."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network while measuring")

    socket.getaddrinfo = refuse  # type: ignore[assignment]
    socket.create_connection = refuse  # type: ignore[assignment]


def main() -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    refuse_network()
    asked = json.load(sys.stdin)
    peers = (presidio, detect_secrets, credsweeper, litellm)
    name, found = next(peer for peer in peers if peer.__name__ == sys.argv[1])()
    for text in [*asked["speed"][:2], *(text for text, _ in asked["planted"][:3])]:
        found(text)  # loads what is loaded on first use
    done_bytes = count = 0
    began = time.perf_counter()
    for text in asked["speed"][2:]:
        found(text)
        done_bytes += len(text.encode())
        count += 1
        if time.perf_counter() - began > asked["limit_s"]:
            break
    seconds = time.perf_counter() - began
    whole = sum(value in found(text) for text, values in asked["planted"] for _, value in values)
    print(json.dumps({"name": name, "seconds": seconds, "bytes": done_bytes, "count": count, "whole": whole}))


if __name__ == "__main__":
    main()
