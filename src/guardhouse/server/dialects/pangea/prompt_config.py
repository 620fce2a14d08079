"""A Prompt Guard configuration: which analyzers have a say, and how sure they must be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardhouse.server.dialects.pangea.analyzers import ANALYZERS, OWN_CODES
from guardhouse.server.dialects.pangea.schema import Checker, without_nulls

VERSION = "v1"
MEMBERS = frozenset(
    {
        "version",
        "analyzers",
        "malicious_detection_threshold",
        "benign_detection_threshold",
        "audit_data_activity",
    }
)


@dataclass(frozen=True, slots=True)
class PromptProfile:
    """What a Prompt Guard configuration says; this is that of a caller who names none.

    `analyzers` says of codes whether they are on; a code that is not there is on unless others are switched on.
    """

    analyzers: Mapping[str, bool] = field(default_factory=dict)
    threshold: float | None = None
    benign_threshold: float | None = None

    @property
    def named(self) -> frozenset[str]:
        """The analyzers that are switched on by name; empty means all but those of `off`."""
        return frozenset(code for code, is_on in self.analyzers.items() if is_on)

    @property
    def off(self) -> frozenset[str]:
        """The analyzers that are switched off, where none is switched on by name."""
        return frozenset() if self.named else frozenset(self.analyzers)


def read_prompt_config(check: Checker, document: Mapping[str, Any]) -> PromptProfile:
    """What the document comes to; mistakes go to `check`."""
    body = without_nulls(check.table(document, (), MEMBERS), ("benign_detection_threshold",))
    check.choice(body, "version", (), (VERSION,))
    analyzers = check.table(body.get("analyzers", {}), ("analyzers",))
    for code in analyzers:
        if code not in ANALYZERS:
            check.add("InvalidPropertyName", f"not one of: {', '.join(sorted(ANALYZERS))}", ("analyzers", code))
        check.boolean(analyzers, code, ("analyzers",))
    if not check.problems and analyzers and not any(analyzers.values()) and set(analyzers) >= OWN_CODES:
        check.add("BadState", "with all of these switched off nothing is looked for", ("analyzers",))
    read_audit(check, body, ("malicious_prompt", "benign_prompt"))
    return PromptProfile(
        dict(analyzers),
        check.unit_number(body, "malicious_detection_threshold", ()),
        check.unit_number(body, "benign_detection_threshold", ()),
    )


def read_audit(check: Checker, body: Mapping[str, Any], areas: Collection[str]) -> None:
    """`audit_data_activity`: every call is in the activity log here, so only that can be asked for."""
    if "audit_data_activity" not in body:
        return
    path = ("audit_data_activity",)
    table = check.table(body["audit_data_activity"], path, ("enabled", "audit_service_config_id", "areas"))
    if isinstance(body["audit_data_activity"], Mapping):
        check.required(table, ("enabled",), path)
    if check.boolean(table, "enabled", path) is False:
        check.add("InvalidConst", "must be true: the activity log has every call", (*path, "enabled"))
    if check.string(table, "audit_service_config_id", path):
        detail = "there is no audit service here; the activity log is this server's own"
        check.add("ConfigNotExist", detail, (*path, "audit_service_config_id"))
    chosen = check.table(table.get("areas", {}), (*path, "areas"), areas)
    for name in chosen:
        if check.boolean(chosen, name, (*path, "areas")) is False:
            check.add("InvalidConst", "must be true: the activity log has every call", (*path, "areas", name))
