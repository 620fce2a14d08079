"""`POST /v1/guard` of Prompt Guard: is there a prompt injection among the messages?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import Conversation, Message, Path, Role
from guardhouse.model.evaluation import AppliedFinding, Evaluation, Outcome
from guardhouse.model.policy import Scope
from guardhouse.model.recipe import DetectorOverride, Overrides, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects.pangea import names
from guardhouse.server.dialects.pangea.analyzers import ANALYZERS, code_among
from guardhouse.server.dialects.pangea.prompt_config import PromptProfile
from guardhouse.server.dialects.pangea.schema import Checker
from guardhouse.server.dialects.pangea.shapes import Unreadable, messages_in
from guardhouse.server.dialects.pangea.shelf import NO_SHELF, Shelf
from guardhouse.server.dialects.pangea.text_guard import LIMIT_BYTES, check_size, compact_json

_DETECTOR = "prompt_attack"
_UNREAD = (Outcome.NOT_EXECUTED, Outcome.FAILED)
_CATEGORIES = (
    "JAILBREAK",
    "INDIRECT_PROMPT_INJECTION",
    "INSTRUCTION_OVERRIDE",
    "ROLE_PLAY",
    "AUTHORITY_OVERRIDE",
    "OBFUSCATION",
    "SYSTEM_PROMPT_EXTRACTION",
    "DATA_EXFILTRATION",
    "SECURITY_EXPLOIT",
)


@dataclass(frozen=True, slots=True)
class PromptGuardCall:
    """A valid request. `analyzers` are the only ones whose word counts, empty means all but those of `off`."""

    conversation: Conversation
    analyzers: frozenset[str]
    off: frozenset[str]
    classify: bool
    threshold: float | None = None
    benign_threshold: float | None = None

    def evaluation_request(self, *, service: str | None, client: str, dialect: str) -> EvaluationRequest:
        """What the service is asked: prompt attacks and nothing else, whatever recipe holds."""
        only = DetectorOverride(default=Rule(RuleAction.BLOCK), threshold=self.threshold)
        return EvaluationRequest(
            conversation=self.conversation,
            scope=Scope(service=service),
            overrides=Overrides({_DETECTOR: only}, ignore_recipe=True),
            default_recipe=names.DEFAULT_RECIPE,
            log_fields=LogFields(client=client),
            dialect=dialect,
        )


def read_prompt_guard(document: object, shelf: Shelf = NO_SHELF) -> PromptGuardCall:
    """The request in `document`. Raises `ValidationFailed` with everything that is wrong with it."""
    check = Checker()
    body = check.body(document, frozenset({"messages", "analyzers", "classify", "config_id"}))
    classify = check.boolean(body, "classify", ())
    profile = shelf.prompt_guard(check, check.string(body, "config_id", ())) or PromptProfile()
    analyzers = check.strings(body, "analyzers", ()) or ()
    for index, code in enumerate(analyzers):
        if code not in ANALYZERS:
            check.add("NotEnumMember", f"not one of: {', '.join(sorted(ANALYZERS))}", ("analyzers", index))
    messages = _read_messages(check, body)
    check.finish()
    conversation = Conversation(messages, frozenset(range(len(messages))))
    return PromptGuardCall(
        conversation,
        frozenset(analyzers) or profile.named,
        frozenset() if analyzers else profile.off,
        bool(classify),
        profile.threshold,
        profile.benign_threshold,
    )


def prompt_guard_answer(call: PromptGuardCall, evaluation: Evaluation) -> tuple[str, dict[str, Any]]:
    """The summary and the result."""
    report = evaluation.report(_DETECTOR)
    counted = [
        applied
        for applied in (report.findings if report else ())
        if code_among(applied.finding.analyzer, call.analyzers, call.off) is not None
    ]
    classifications = _classifications(evaluation, counted) if call.classify else []
    unread = [report for report in evaluation.reports if report.detector == "image" and report.outcome in _UNREAD]
    images = "Images were not read." if unread else ""
    if not counted:
        highest = max(evaluation.confidences.values(), default=0.0)
        benign = 1.0 - min(highest, 1.0)
        doubtful = call.benign_threshold is not None and benign < call.benign_threshold
        result = {
            "detected": False,
            "confidence": round(min(highest, 1.0), 2),
            "info": " ".join(
                filter(None, ("Neither clearly malicious nor clearly benign." if doubtful else "", images))
            ),
            "analyzer": "",
            "type": "",
        }
        return "Prompt Injection Not Detected", {**result, "classifications": classifications}
    surest = max(counted, key=lambda applied: applied.finding.confidence).finding
    roles = _roles_by_path(call.conversation.messages)
    is_indirect = surest.kind == "INDIRECT_PROMPT_INJECTION" or roles.get(surest.path) in (Role.TOOL, Role.DOCUMENT)
    return "Prompt Injection Detected", {
        "detected": True,
        "confidence": round(surest.confidence, 2),
        "info": images,
        "analyzer": code_among(surest.analyzer, call.analyzers),
        "type": "indirect" if is_indirect else "direct",
        "classifications": classifications,
    }


def _read_messages(check: Checker, body: Mapping[str, Any]) -> tuple[Message, ...]:
    nothing = (Message(Role.USER),)
    value = body.get("messages")
    if "messages" not in body:
        check.add("FieldRequired", "messages is required", ("messages",))
    elif not isinstance(value, list):
        check.wrong_type("array", ("messages",))
    else:
        for index, message in enumerate(value):
            path: Path = ("messages", index)
            table = check.table(message, path)
            for name in ("role", "content"):
                if isinstance(message, Mapping) and name not in table:
                    check.add("FieldRequired", f"{name} is required", (*path, name))
            check.string(table, "role", path)
            if not isinstance(table.get("content", ""), str | list):
                check.wrong_type("string or array", (*path, "content"))
        if not check.problems:
            check_size(check, compact_json(value), ("messages",), LIMIT_BYTES)
        if not check.problems:
            try:
                return messages_in(value, ("messages",))
            except Unreadable:
                check.add("BadFormat", "the content of a message is not text nor parts", ("messages",))
    return nothing


def _classifications(evaluation: Evaluation, counted: Iterable[AppliedFinding]) -> list[dict[str, Any]]:
    detected = {applied.finding.kind for applied in counted}
    return [
        {
            "category": kind.lower().replace("_", "-"),
            "detected": kind in detected,
            "confidence": round(evaluation.confidences.get(kind, 0.0), 2),
        }
        for kind in _CATEGORIES
    ]


def _roles_by_path(messages: Iterable[Message]) -> dict[Path, Role]:
    return {
        path: message.role
        for message in messages
        for path in (*(part.path for part in message.parts), *(call.path for call in message.tool_calls))
    }
