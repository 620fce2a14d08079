"""The Redact service: `POST /v1/redact`, `/v1/redact_structured`, `/v1/unredact` and `/v1/unredact_events`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardhouse.engine.redacting import REDACTION_RECIPE, require_whole
from guardhouse.errors import InvalidContext
from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import ContentPart, Conversation, Message, PartKind, Path, Role, render_path
from guardhouse.model.evaluation import AppliedFinding, Evaluation
from guardhouse.model.policy import Scope, Sensitivity
from guardhouse.model.recipe import Overrides, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.redaction.apply import put_back
from guardhouse.server.dialects.pangea.jsonpath import JsonPathError, select
from guardhouse.server.dialects.pangea.kinds import in_vendor_types, redact_type
from guardhouse.server.dialects.pangea.redaction_methods import read_method, read_vault_id, with_keys
from guardhouse.server.dialects.pangea.rule_book import RuleBook, Target
from guardhouse.server.dialects.pangea.schema import Checker, Problem, ValidationFailed
from guardhouse.server.dialects.pangea.shapes import leaves
from guardhouse.server.dialects.pangea.shelf import Shelf

MOST_PATHS = 50
MOST_EVENTS = 1000
_COMMON = frozenset(
    {
        "config_id",
        "return_result",
        "debug",
        "rules",
        "rulesets",
        "redaction_method_overrides",
        "llm_request",
        "vault_parameters",
    }
)
_MANY = "rules"
_Named = tuple[tuple[str, Path], ...]
"""Names of rules, each with its place in the request."""


@dataclass(frozen=True, slots=True)
class Group:
    """Texts of the request that the same kinds are looked for in."""

    parts: tuple[ContentPart, ...]
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class RedactCall:
    """A valid request. `member` holds the content in the request, `answer` in the result."""

    document: Mapping[str, Any]
    member: str
    answer: str
    groups: tuple[Group, ...]
    debug: bool
    return_result: bool
    thresholds: Sensitivity = Sensitivity()

    def evaluation_requests(self, *, service: str | None, client: str, dialect: str) -> Iterator[EvaluationRequest]:
        """What the service is asked, one after the other, each going on with the context of the one before."""
        for group in self.groups:
            yield EvaluationRequest(
                conversation=Conversation((Message(Role.USER, group.parts),), frozenset({0})),
                scope=Scope(service=service),
                recipe=REDACTION_RECIPE,
                overrides=group.overrides,
                sensitivity=self.thresholds,
                log_fields=LogFields(client=client),
                dialect=dialect,
            )


def read_redact(document: object, shelf: Shelf) -> RedactCall:
    """The request for one text. Raises `ValidationFailed` with everything that is wrong with it."""
    check = Checker()
    body = check.body(document, _COMMON | {"text"})
    if "text" not in body:
        check.add("FieldRequired", "text is required", ("text",))
    text = check.string(body, "text", ()) or ""
    part = ContentPart(PartKind.TEXT, text, ("text",))
    return _call(check, body, ("text", "redacted_text"), {(): (part,)}, shelf)


def read_redact_structured(document: object, shelf: Shelf) -> RedactCall:
    """The request for any JSON. Raises `ValidationFailed` with everything that is wrong with it."""
    check = Checker()
    body = check.body(document, _COMMON | {"data", "format", "jsonp"})
    if "data" not in body:
        check.add("FieldRequired", "data is required", ("data",))
    check.choice(body, "format", (), ("json",))
    parts = list(leaves(body.get("data"), ("data",)))
    by_rules: dict[_Named, tuple[ContentPart, ...]] = {(): tuple(parts)}
    if "jsonp" in body:
        chosen = _chosen(check, body)
        grouped: dict[_Named, list[ContentPart]] = {}
        for part in parts:
            if part.path in chosen:
                grouped.setdefault(chosen[part.path], []).append(part)
        by_rules = {rules: tuple(found) for rules, found in grouped.items()}
    return _call(check, body, ("data", "redacted_data"), by_rules, shelf)


def redact_answer(call: RedactCall, evaluations: Sequence[Evaluation]) -> tuple[str, dict[str, Any]]:
    """The summary and the result. Raises `DetectorFailed` when a detector did: half a redaction is none."""
    for evaluation in evaluations:
        require_whole(evaluation)
    told = [in_vendor_types(evaluation, redact_type) for evaluation in evaluations]
    texts = {path: text for evaluation in told for path, text in evaluation.texts.items()}
    count = sum(len(evaluation.redactions) for evaluation in told)
    result: dict[str, Any] = {"count": count}
    if call.return_result:
        result[call.answer] = put_back(call.document, texts)[call.member]
    if call.debug:
        result["report"] = _report(call, told)
    context = next((item.fpe_context for item in reversed(told) if item.fpe_context is not None), None)
    if context is not None:
        result["fpe_context"] = context
    return f"Success. Redacted {count} item(s) from items", result


def read_unredact(document: object) -> tuple[Any, str]:
    """Data and context of the request. Raises `ValidationFailed`."""
    check = Checker()
    body = check.body(document, {"redacted_data", "fpe_context", "config_id"})
    for name in ("redacted_data", "fpe_context"):
        if name not in body:
            check.add("FieldRequired", f"{name} is required", (name,))
    context = check.string(body, "fpe_context", ())
    check.string(body, "config_id", ())
    check.finish()
    return body["redacted_data"], context or ""


def read_unredact_events(document: object) -> list[Mapping[str, Any]]:
    """The events of the request, each with an object `envelope`. Raises `ValidationFailed`."""
    check = Checker()
    body = check.body(document, {"events", "config_id"})
    check.string(body, "config_id", ())
    events = body.get("events")
    if "events" not in body:
        check.add("FieldRequired", "events is required", ("events",))
    elif not isinstance(events, list):
        check.wrong_type("array", ("events",))
    elif len(events) > MOST_EVENTS:
        check.add("AboveMaxItems", f"at most {MOST_EVENTS} events", ("events",))
    else:
        for index, item in enumerate(events):
            path: Path = ("events", index)
            event = check.table(item, path)
            if isinstance(item, Mapping) and "envelope" not in event:
                check.add("FieldRequired", "envelope is required", (*path, "envelope"))
            if "event" in check.table(event.get("envelope", {}), (*path, "envelope")):
                check.table(event["envelope"]["event"], (*path, "envelope", "event"))
            check.string(event, "fpe_context", path)
    check.finish()
    return list(body["events"])


def encrypted_events(events: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places of those events that there is something to do about: with an event in the envelope and a context."""
    return [
        place for place, event in enumerate(events) if "event" in event["envelope"] and event.get("fpe_context", "")
    ]


def unredacted_events(events: Sequence[Mapping[str, Any]], restored: Mapping[int, Any]) -> dict[str, Any]:
    """The result: the events in their order, without their contexts, those in `restored` with these originals."""
    told = [{name: value for name, value in event.items() if name != "fpe_context"} for event in events]
    for place, event in restored.items():
        told[place]["envelope"] = {**told[place]["envelope"], "event": event}
    return {"events": told}


def wrong_context(error: InvalidContext, path: Path | None = None) -> ValidationFailed:
    """The error in the vendor's words; `path` where the context does not lie at the top of the body."""
    code = "BadFormatBase64" if error.is_encoding else "BadState"
    return ValidationFailed([Problem(code, error.detail, path or error.path)])


def _call(
    check: Checker,
    body: Mapping[str, Any],
    members: tuple[str, str],
    by_rules: Mapping[_Named, tuple[ContentPart, ...]],
    shelf: Shelf,
) -> RedactCall:
    book = RuleBook(shelf.detectors, shelf.redact(check, check.string(body, "config_id", ())))
    return_result = check.boolean(body, "return_result", ())
    debug = check.boolean(body, "debug", ())
    methods = _Methods(check, body, book)
    asked = _asked_rules(check, body, book)
    groups: list[Group] = []
    for own, parts in by_rules.items():
        enabled: list[tuple[str, Path]] = [(name, ("config_id",)) for name in book.profile.enabled]
        named = list(own) or asked or enabled
        if book.profile.enforced:
            named = [*named, *enabled]
        rules: dict[Target, Rule] = {}
        for name, path in named:
            for target in book.read(check, name, path):
                rules.setdefault(target, methods.of(target, path))
        if not check.problems and parts and rules:
            groups.append(Group(parts, book.overrides(rules)))
    check.finish()
    thresholds = Sensitivity(by_category=book.profile.thresholds)
    return RedactCall(body, *members, tuple(groups), bool(debug), return_result is not False, thresholds)


class _Methods:
    """What is done about each target, by the call and its configuration."""

    def __init__(self, check: Checker, body: Mapping[str, Any], book: RuleBook) -> None:
        encrypts = check.boolean(body, "llm_request", ())
        fpe_key_id, salt_id = _vault_ids(check, body)
        # Naming an encryption key asks for encryption as well.
        self._general = Rule(RuleAction.FPE) if encrypts or fpe_key_id is not None else None
        self._by_target: Mapping[Target, Rule] = {}
        self._profile = book.profile
        self._keys = {"fpe_key_id": fpe_key_id or book.profile.fpe_key_id, "salt_id": salt_id or book.profile.salt_id}
        self._by_place = _methods_at_paths(check, body)
        path: Path = ("redaction_method_overrides",)
        table = check.table(body.get("redaction_method_overrides", {}), path)
        if "redaction_type" in table:  # one method for everything
            self._general = read_method(check, table, path)
        else:
            self._by_target = book.read_methods(check, table, path)

    def of(self, target: Target, place: Path) -> Rule:
        """The rule for a target that was named at `place` of the request."""
        candidates = (
            self._by_place.get(place),
            self._by_target.get(target),
            self._general,
            self._profile.methods.get(target),
        )
        rule = next((rule for rule in candidates if rule is not None), Rule(RuleAction.REPLACE))
        return with_keys(rule, **self._keys)


def _vault_ids(check: Checker, body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The names of the encryption key and of the salt."""
    path: Path = ("vault_parameters",)
    vault: Mapping[str, Any] = {}
    if "vault_parameters" in body:
        vault = check.table(body["vault_parameters"], path, {"fpe_key_id", "salt_secret_id"})
    return read_vault_id(check, vault, "fpe_key_id", path), read_vault_id(check, vault, "salt_secret_id", path)


def _asked_rules(check: Checker, body: Mapping[str, Any], book: RuleBook) -> list[tuple[str, Path]]:
    rules: list[tuple[str, Path]] = [
        (name, (_MANY, index)) for index, name in enumerate(check.strings(body, _MANY, ()) or ())
    ]
    for index, name in enumerate(check.strings(body, "rulesets", ()) or ()):
        path: Path = ("rulesets", index)
        rules += [(rule, path) for rule in book.read_set(check, name, path)]
    return rules


def _chosen(check: Checker, body: Mapping[str, Any]) -> dict[Path, _Named]:
    """The strings that the paths choose, each with the rules of its own, none where those of the request count."""
    paths = body["jsonp"]
    if not isinstance(paths, list):
        check.wrong_type("array", ("jsonp",))
        return {}
    if len(paths) > MOST_PATHS:
        check.add("AboveMaxItems", f"at most {MOST_PATHS} paths", ("jsonp",))
        return {}
    chosen: dict[Path, _Named] = {}
    for index, item in enumerate(paths):
        where: Path = ("jsonp", index)
        rules: _Named = ()
        text = item
        if isinstance(item, Mapping):
            table = check.table(item, where, {"path", "rules"})
            rules, text = _rules_of_path(check, table, where), table.get("path")
        if not isinstance(text, str):
            check.wrong_type("string", where)
            continue
        try:
            found = select(text, body.get("data"), root=("data",))
        except JsonPathError as error:
            check.add("BadFormatJSONPath", f"the path {error}", where)
            continue
        for path, value in found:
            for part in leaves(value, path):
                chosen[part.path] = tuple(dict.fromkeys((*chosen.get(part.path, ()), *rules)))
    return chosen


def _rules_of_path(check: Checker, table: Mapping[str, Any], where: Path) -> _Named:
    """The names among `rules`: strings, or objects with the name under `rule` beside a method."""
    given = table.get(_MANY, [])
    if not isinstance(given, list):
        check.wrong_type("array", (*where, _MANY))
        return ()
    named: list[tuple[str, Path]] = []
    for index, item in enumerate(given):
        path: Path = (*where, _MANY, index)
        if isinstance(item, Mapping):
            name = check.string(item, "rule", path)
            if "rule" not in item:
                check.add("FieldRequired", "rule is required", (*path, "rule"))
        else:
            name = item if isinstance(item, str) else None
            if name is None:
                check.wrong_type("string", path)
        if name is not None:
            named.append((name, path))
    return tuple(named)


def _methods_at_paths(check: Checker, body: Mapping[str, Any]) -> dict[Path, Rule]:
    """The methods of rules that are objects, by the place of the rule. Mistakes in their form are noted elsewhere."""
    methods: dict[Path, Rule] = {}
    paths = body.get("jsonp")
    for index, item in enumerate(paths if isinstance(paths, list) else ()):
        rules = item.get(_MANY) if isinstance(item, Mapping) else None
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, Mapping) and set(rule) - {"rule"}:
                path: Path = ("jsonp", index, _MANY, number)
                methods[path] = read_method(check, {name: rule[name] for name in rule if name != "rule"}, path)
    return methods


def _report(call: RedactCall, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Every finding. `score` is 1: the vendor's Python client takes whole numbers only."""
    findings = [item for evaluation in evaluations for report in evaluation.reports for item in report.findings]
    counts: dict[str, int] = {}
    for applied in findings:
        name = redact_type(applied.finding.kind)
        counts[name] = counts.get(name, 0) + 1
    return {"summary_counts": counts, "recognizer_results": [_recognized(call, applied) for applied in findings]}


def _recognized(call: RedactCall, applied: AppliedFinding) -> dict[str, Any]:
    finding = applied.finding
    start, end = (finding.span.start, finding.span.end) if finding.span else (0, len(finding.value))
    told: dict[str, Any] = {
        "field_type": redact_type(finding.kind),
        "score": 1,
        "text": finding.value,
        "start": start,
        "end": end,
        "redacted": applied.replacement is not None,
    }
    return told if call.member == "text" else {**told, "data_key": render_path(finding.path[1:])}
