"""Model to plain dict and back: the only place that knows both. `VERSION` is written into what is stored.

Members are named as the fields of the dataclasses; enums by value (`Action` by name); a path is its rendered string
with the steps beside it where code has to find its way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from guardhouse.errors import InvalidInput
from guardhouse.model.activity import ActivityRecord, LogFields
from guardhouse.model.conversation import Path, render_path
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome, Redaction
from guardhouse.model.finding import AnalyzerResponse, Finding, Span
from guardhouse.model.policy import (
    Blocking,
    FailMode,
    Policy,
    SensitiveData,
    Sensitivity,
    StoreText,
    ToolPolicy,
)
from guardhouse.model.recipe import (
    DetectorOverride,
    DetectorSetting,
    Overrides,
    Recipe,
    Rule,
    RuleAction,
)

VERSION = 1
_T = TypeVar("_T")


# --- evaluations -----------------------------------------------------------------------------------------------------


def evaluation_to_dict(evaluation: Evaluation, *, values: bool = True) -> dict[str, Any]:
    """The evaluation as JSON-ready data. Without `values` nothing that was matched or put in its place is in it."""
    return {
        "version": VERSION,
        "id": evaluation.id,
        "action": evaluation.action.name,
        "reason": evaluation.reason,
        "blocked": evaluation.blocked,
        "blocking_enabled": evaluation.blocking_enabled,
        "recipe": evaluation.recipe,
        "reports": [_report_to_dict(report, values) for report in evaluation.reports],
        "confidences": dict(evaluation.confidences),
        "thresholds": dict(evaluation.thresholds),
        "redactions": [_redaction_to_dict(redaction, values) for redaction in evaluation.redactions],
        "texts": [
            {"path": render_path(path), "steps": list(path), "text": text} for path, text in evaluation.texts.items()
        ]
        if values
        else [],
        "timings_ms": dict(evaluation.timings_ms),
        "policy_revision": evaluation.policy_revision,
        "fpe_context": evaluation.fpe_context if values else None,
    }


def evaluation_from_dict(data: Mapping[str, Any]) -> Evaluation:
    """The inverse of `evaluation_to_dict`. Raises `KeyError` or `ValueError` on data of another form."""
    return Evaluation(
        id=data["id"],
        action=Action[data["action"]],
        reason=data["reason"],
        blocked=data["blocked"],
        blocking_enabled=data["blocking_enabled"],
        recipe=data["recipe"],
        reports=tuple(_report_from_dict(report) for report in data["reports"]),
        confidences=dict(data["confidences"]),
        thresholds=dict(data["thresholds"]),
        redactions=tuple(_redaction_from_dict(redaction) for redaction in data["redactions"]),
        texts={tuple(text["steps"]): text["text"] for text in data["texts"]},
        timings_ms=dict(data["timings_ms"]),
        policy_revision=data["policy_revision"],
        fpe_context=data.get("fpe_context"),
    )


def _report_to_dict(report: DetectorReport, values: bool) -> dict[str, Any]:
    return {
        "detector": report.detector,
        "outcome": report.outcome.value,
        "action": report.action.value if report.action else None,
        "findings": [_applied_to_dict(applied, values) for applied in report.findings],
        "analyzers": [asdict(response) for response in report.analyzers],
        "detail": report.detail,
    }


def _report_from_dict(data: Mapping[str, Any]) -> DetectorReport:
    return DetectorReport(
        detector=data["detector"],
        outcome=Outcome(data["outcome"]),
        findings=tuple(_applied_from_dict(applied) for applied in data["findings"]),
        action=RuleAction(data["action"]) if data["action"] else None,
        analyzers=tuple(AnalyzerResponse(**response) for response in data["analyzers"]),
        detail=data["detail"],
    )


def _applied_to_dict(applied: AppliedFinding, values: bool) -> dict[str, Any]:
    finding = applied.finding
    return {
        "kind": finding.kind,
        "confidence": finding.confidence,
        "threshold": applied.threshold,
        "action": applied.action.value,
        "blocked": applied.blocked,
        "detector": finding.detector,
        "analyzer": finding.analyzer,
        "path": render_path(finding.path),
        "steps": list(finding.path),
        "span": _span_to_list(finding.span),
        "evidence": dict(finding.evidence),
        **({"value": finding.value, "replacement": applied.replacement} if values else {}),
    }


def _applied_from_dict(data: Mapping[str, Any]) -> AppliedFinding:
    finding = Finding(
        detector=data["detector"],
        kind=data["kind"],
        confidence=data["confidence"],
        path=tuple(data["steps"]),
        span=Span(*data["span"]) if data["span"] else None,
        value=data.get("value", ""),
        analyzer=data["analyzer"],
        evidence=dict(data["evidence"]),
    )
    return AppliedFinding(
        finding=finding,
        threshold=data["threshold"],
        action=RuleAction(data["action"]),
        blocked=data["blocked"],
        replacement=data.get("replacement"),
    )


def _redaction_to_dict(redaction: Redaction, values: bool) -> dict[str, Any]:
    return {
        "path": render_path(redaction.path),
        "steps": list(redaction.path),
        "span": _span_to_list(redaction.span),
        "redacted_span": _span_to_list(redaction.redacted_span),
        "detector": redaction.detector,
        "kind": redaction.kind,
        "operator": redaction.operator.value,
        "replacement": redaction.replacement if values else "",
    }


def _redaction_from_dict(data: Mapping[str, Any]) -> Redaction:
    return Redaction(
        path=tuple(data["steps"]),
        span=Span(*data["span"]),
        redacted_span=Span(*data["redacted_span"]),
        detector=data["detector"],
        kind=data["kind"],
        operator=RuleAction(data["operator"]),
        replacement=data["replacement"],
    )


def redactions_from_data(data: Iterable[Mapping[str, Any]]) -> tuple[Redaction, ...]:
    """The inverse of what `evaluation_to_dict` makes of redactions."""
    return tuple(_redaction_from_dict(item) for item in data)


def _span_to_list(span: Span | None) -> list[int] | None:
    return None if span is None else [span.start, span.end]


def record_to_dict(record: ActivityRecord) -> dict[str, Any]:
    """A record of the activity log as it is shown: without matched values."""
    evaluation = record.evaluation
    data: dict[str, Any] = {
        "id": record.id,
        "what": record.what.value,
        "time": record.time.isoformat(),
        "key_id": record.key_id,
        "dialect": record.dialect,
        "service": record.service,
        "env": record.env,
    }
    if record.unredaction is not None:
        return {**data, "unredaction": {**asdict(record.unredaction), "count": record.unredaction.count}}
    return {
        **data,
        "evaluation": None if evaluation is None else evaluation_to_dict(evaluation, values=False),
        "log_fields": asdict(record.log_fields),
        "texts": dict(record.texts),
        "tools": list(record.tools),
    }


# --- recipes and overrides -------------------------------------------------------------------------------------------


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as it stands in a TOML or JSON file; members with their default value are left out."""
    return {
        "name": recipe.name,
        "title": recipe.title,
        "description": recipe.description,
        "stop_on_block": recipe.stop_on_block,
        "detectors": [_setting_to_dict(setting) for setting in recipe.detectors],
    }


def recipe_from_dict(data: object, *, path: Path = ()) -> Recipe:
    """A recipe from file or request data. Raises `InvalidInput` with the path of what is wrong.

    A detector is `{detector, action?, parameters?, block?, rules?: {KIND: action | {action, parameters, block}},
    threshold?, options?, required?}`. Names are not checked here; building a plan does that.
    """
    table = _table(data, path, {"name", "title", "description", "stop_on_block", "detectors"})
    name = _member(table, "name", str, path)
    if not _is_name(name):
        raise InvalidInput(
            f"a recipe's name is 1 to 64 of a-z, 0-9, _, - and ., not {name!r}", path=(*path, "name"), code="bad_format"
        )
    detectors = _member(table, "detectors", list, path, default=[])
    settings = tuple(_setting_from_dict(item, (*path, "detectors", index)) for index, item in enumerate(detectors))
    names = [setting.detector for setting in settings]
    if len(set(names)) != len(names):
        raise InvalidInput("a detector stands in a recipe at most once", path=(*path, "detectors"), code="conflict")
    return Recipe(
        name=name,
        title=_member(table, "title", str, path, default=name),
        description=_member(table, "description", str, path, default=""),
        detectors=settings,
        stop_on_block=_member(table, "stop_on_block", bool, path, default=True),
    )


def overrides_from_dict(data: object, *, path: Path = ("overrides",)) -> Overrides:
    """`{ignore_recipe?, detectors?: {name: {disabled?, action?, rules?, threshold?, options?}}}` as `Overrides`."""
    table = _table(data, path, {"ignore_recipe", "detectors"})
    detectors = _member(table, "detectors", dict, path, default={})
    return Overrides(
        ignore_recipe=_member(table, "ignore_recipe", bool, path, default=False),
        detectors={
            str(name): _override_from_dict(item, (*path, "detectors", str(name))) for name, item in detectors.items()
        },
    )


def overrides_to_dict(overrides: Overrides) -> dict[str, Any]:
    """The inverse of `overrides_from_dict`."""
    detectors = {name: _override_to_dict(override) for name, override in overrides.detectors.items()}
    return {"ignore_recipe": overrides.ignore_recipe, "detectors": detectors}


def _override_to_dict(override: DetectorOverride) -> dict[str, Any]:
    data: dict[str, Any] = {} if override.default is None else _rule_to_dict(override.default)
    if override.disabled is not None:
        data["disabled"] = override.disabled
    if override.threshold is not None:
        data["threshold"] = override.threshold
    if override.options:
        data["options"] = dict(override.options)
    if override.rules:
        data["rules"] = {kind: _rule_to_dict(rule) for kind, rule in override.rules.items()}
    return data


def _setting_to_dict(setting: DetectorSetting) -> dict[str, Any]:
    data: dict[str, Any] = {"detector": setting.detector, **_rule_to_dict(setting.default)}
    if setting.threshold is not None:
        data["threshold"] = setting.threshold
    if not setting.required:
        data["required"] = False
    if setting.options:
        data["options"] = dict(setting.options)
    if setting.rules:
        data["rules"] = {kind: _rule_to_dict(rule) for kind, rule in setting.rules.items()}
    return data


def _setting_from_dict(data: object, path: Path) -> DetectorSetting:
    members = {"detector", "action", "parameters", "block", "rules", "threshold", "options", "required"}
    table = _table(data, path, members)
    rule = {name: table[name] for name in ("action", "parameters", "block") if name in table}
    return DetectorSetting(
        detector=_member(table, "detector", str, path),
        default=_rule_from_data(rule or "report", path),
        rules=rules_from_data(table.get("rules", {}), (*path, "rules")),
        threshold=_threshold(table, path),
        options=_member(table, "options", dict, path, default={}),
        required=_member(table, "required", bool, path, default=True),
    )


def _override_from_dict(data: object, path: Path) -> DetectorOverride:
    table = _table(data, path, {"disabled", "action", "parameters", "block", "rules", "threshold", "options"})
    rule = {name: table[name] for name in ("action", "parameters", "block") if name in table}
    return DetectorOverride(
        disabled=_member(table, "disabled", bool, path, default=None),
        default=_rule_from_data(rule, path) if rule else None,
        rules=rules_from_data(table.get("rules", {}), (*path, "rules")),
        threshold=_threshold(table, path),
        options=_member(table, "options", dict, path, default={}),
    )


def _rule_to_dict(rule: Rule) -> dict[str, Any]:
    data: dict[str, Any] = {"action": rule.action.value}
    if rule.parameters:
        data["parameters"] = dict(rule.parameters)
    if rule.block:
        data["block"] = True
    return data


def _rule_from_data(data: object, path: Path) -> Rule:
    """A rule from `"mask"` or `{"action": "mask", "parameters": {...}, "block": false}`."""
    if isinstance(data, str):
        return Rule(_enum(RuleAction, data, path))
    table = _table(data, path, {"action", "parameters", "block"})
    return Rule(
        action=_enum(RuleAction, _member(table, "action", str, path, default="report"), (*path, "action")),
        parameters=_member(table, "parameters", dict, path, default={}),
        block=_member(table, "block", bool, path, default=False),
    )


def rules_from_data(data: object, path: Path) -> dict[str, Rule]:
    """From `{KIND: action | {action, parameters?, block?}}`; kinds in any spelling."""
    if not isinstance(data, Mapping):
        raise InvalidInput.wrong_type("object", path)
    return {normalize_kind(str(kind)): _rule_from_data(rule, (*path, str(kind))) for kind, rule in data.items()}


def _threshold(table: Mapping[str, Any], path: Path) -> float | None:
    value = table.get("threshold")
    return None if value is None else unit_interval(value, (*path, "threshold"))


# --- policies --------------------------------------------------------------------------------------------------------


def policy_to_dict(policy: Policy) -> dict[str, Any]:
    """The fields that are set; what is inherited is left out."""
    data: dict[str, Any] = {}
    for name in ("blocking", "sensitive_data", "fail_mode", "store_text"):
        value = getattr(policy, name)
        if value is not None:
            data[name] = value.value
    for name in ("recipe", "evaluation_context"):
        if getattr(policy, name) is not None:
            data[name] = getattr(policy, name)
    if policy.sensitivity.default is not None or policy.sensitivity.by_category:
        data["sensitivity"] = {
            "default": policy.sensitivity.default,
            "by_category": dict(policy.sensitivity.by_category),
        }
    if policy.tool_policies:
        data["tool_policies"] = {name: value.value for name, value in policy.tool_policies.items()}
    return data


def policy_from_dict(data: object, *, path: Path = ()) -> Policy:
    """The inverse of `policy_to_dict`; raises `InvalidInput` for members or values that do not exist."""
    table = _table(data, path, {item.name for item in fields(Policy)})
    context = _member(table, "evaluation_context", str, path, default=None)
    if context is not None and len(context) > 1000:
        raise InvalidInput(
            "evaluation_context holds at most 1,000 characters", path=(*path, "evaluation_context"), code="too_long"
        )
    return Policy(
        blocking=_optional_enum(Blocking, table, "blocking", path),
        sensitivity=sensitivity_from_data(table.get("sensitivity"), (*path, "sensitivity")),
        sensitive_data=_optional_enum(SensitiveData, table, "sensitive_data", path),
        recipe=_member(table, "recipe", str, path, default=None),
        evaluation_context=context,
        tool_policies=tool_policies_from_data(table.get("tool_policies", {}), (*path, "tool_policies")),
        fail_mode=_optional_enum(FailMode, table, "fail_mode", path),
        store_text=_optional_enum(StoreText, table, "store_text", path),
    )


def sensitivity_from_data(data: object, path: Path = ("sensitivity",)) -> Sensitivity:
    """From None, a number, or `{default?, by_category?}`; category names in any spelling."""
    if data is None:
        return Sensitivity()
    if isinstance(data, int | float) and not isinstance(data, bool):
        return Sensitivity(default=unit_interval(data, path))
    table = _table(data, path, {"default", "by_category"})
    default = table.get("default")
    by_category = _member(table, "by_category", dict, path, default={})
    return Sensitivity(
        default=None if default is None else unit_interval(default, (*path, "default")),
        by_category={
            normalize_kind(str(name)): unit_interval(value, (*path, "by_category", str(name)))
            for name, value in by_category.items()
        },
    )


def tool_policies_from_data(data: object, path: Path = ("tool_policies",)) -> dict[str, ToolPolicy]:
    """From `{tool name: "allow" | "block" | "judge"}`."""
    if not isinstance(data, Mapping):
        raise InvalidInput.wrong_type("object", path)
    return {str(name): _enum(ToolPolicy, value, (*path, str(name))) for name, value in data.items()}


def log_fields_from_data(data: object, path: Path = ("log_fields",)) -> LogFields:
    """From an object of strings; members that do not exist are refused."""
    table = _table(data, path, {item.name for item in fields(LogFields)})
    return LogFields(**{name: _member(table, name, str, path) for name in table})


# --- words and forms -------------------------------------------------------------------------------------------------


def normalize_kind(name: str) -> str:
    """`INSTRUCTION_OVERRIDE` for `instruction-override`, in any case."""
    return name.strip().upper().replace("-", "_").replace("/", "_").replace(" ", "_")


def unit_interval(value: object, path: Path) -> float:
    """`value` as a float from 0 to 1. Raises `InvalidInput`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput.wrong_type("number", path)
    if not 0.0 <= value <= 1.0:
        raise InvalidInput(f"{render_path(path)} must be from 0 to 1", path=path, code="out_of_range")
    return float(value)


_JSON_NAMES = {str: "string", dict: "object", list: "array", bool: "boolean", int: "number", float: "number"}
_MISSING: Any = object()


def _table(data: object, path: Path, members: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InvalidInput.wrong_type("object", path)
    unknown = sorted(set(map(str, data)) - set(members))
    if unknown:
        raise InvalidInput(
            f"{render_path(path) or 'the document'} has no member {unknown[0]!r}",
            path=(*path, unknown[0]),
            code="unknown_member",
        )
    return data


def _member(table: Mapping[str, Any], name: str, kind: type[Any], path: Path, default: Any = _MISSING) -> Any:
    if name not in table:
        if default is _MISSING:
            raise InvalidInput(f"{render_path((*path, name))} is required", path=(*path, name), code="missing")
        return default
    value = table[name]
    if not isinstance(value, kind) and not (value is None and default is None):
        raise InvalidInput.wrong_type(_JSON_NAMES[kind], (*path, name))
    return value


def _enum(kind: type[_T], value: object, path: Path) -> _T:
    try:
        return kind(value)  # type: ignore[call-arg]
    except ValueError:
        choices = ", ".join(str(item.value) for item in kind)  # type: ignore[attr-defined]
        raise InvalidInput(
            f"{render_path(path)}: {str(value)[:40]!r} is not one of: {choices}", path=path, code="not_in_enum"
        ) from None


def _optional_enum(kind: type[_T], table: Mapping[str, Any], name: str, path: Path) -> _T | None:
    value = table.get(name)
    return None if value is None else _enum(kind, value, (*path, name))


def _is_name(name: str) -> bool:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789_-.")
    return 0 < len(name) <= 64 and set(name) <= allowed
