"""Calls of tools that take values, not commands: what the tool's name says it does, to what its values name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from guardhouse.detectors.tool_call.arguments import Leaf
from guardhouse.detectors.tool_call.hosts import host_of, is_drop, is_inside
from guardhouse.detectors.tool_call.paths import Place, is_disk, place_of, secrecy
from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive, exfiltration, exploit
from guardhouse.detectors.tool_call.wordset import word_set

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\x00-\x7f]+")

DESTROYING = word_set(
    "delete remove purge wipe drop destroy erase truncate format reset uninstall terminate shred clear"
    " empty kill rm rmdir del unlink nuke deprovision deactivate disable reject revoke cancel withdraw erasure"
)
SENDING = word_set(
    "send post upload share forward export publish email mail transmit submit sync copy push webhook put"
    " message notify sms transfer backup"
)
_STOPPING = word_set("stop disable disabled off deactivate suspend mask uninstall pause muted mute disarmed")
_POWER = word_set("shutdown poweroff reboot halt restart_machine")
_ACTION_KEYS = word_set("action operation op verb subcommand method mode state")
_EVERYTHING = frozenset(
    {
        "all",
        "*",
        "everything",
        "everyone",
        "any",
        "**",
        "/*",
        "%",
        "all users",
        "all_users",
        "all-users",
        "objectclass=user",
        "objectclass=*",
        "(objectclass=*)",
        "select all",
        ".*",
    }
)
_COUNT_KEYS = word_set("count repeat times repetitions copies quantity number iterations n amount_of_messages")
_PROTECTION = re.compile(
    r"firewall|nftables|iptables|\bufw\b|antivirus|defender|auditd|audit_?log|edr\b|falcon|backup"
    r"|mfa\b|2fa|smoke|gas_?detector|fire_?alarm|monitoring|guardduty|logging",
    re.IGNORECASE,
)
_BACKUP_KEYS = re.compile(
    r"backup|permanent|overwrite_passes|skip_trash|hard_delete|wipe|no_undo|force_all", re.IGNORECASE
)
_PERSONAL = re.compile(r"\b(?:dropbox|mega|gdrive|onedrive|icloud|gofile|wetransfer)\b\S{0,8}[:/]", re.IGNORECASE)


def words_of(name: str) -> frozenset[str]:
    """The words of a tool's name in lower case: `deleteAllUsers` and `delete_all_users` give the same."""
    return frozenset(word.lower() for word in _WORD.findall(name[:200]))


def judge_values(tool: str, values: Sequence[Leaf]) -> Iterator[Verdict]:
    """Verdicts about the call as a whole, from the tool's name and its values."""
    if tool and (found := _wildcard(tool, values)):
        yield found
    if any("PRIVATE KEY-----" in leaf.text[:4000] for leaf in values) and not words_of(tool) & _KEEPS_KEYS:
        yield exfiltration(0.6, "private_key_in_call")
    acts = words_of(tool) | {word for leaf in values if leaf.key in _ACTION_KEYS for word in words_of(leaf.text[:60])}
    if acts & DESTROYING:
        yield from _destroying(acts, values)
    if acts & _POWER and not any(leaf.key in ("command", "cmd") and " " in leaf.text for leaf in values):
        yield destructive(0.6, "power_off", askable=True)
    if acts & _STOPPING and any(_PROTECTION.search(leaf.text[:200]) for leaf in values if not leaf.plain):
        wide = any(leaf.text.strip().lower() in _EVERYTHING for leaf in values)
        yield exploit(0.75 if wide else 0.55, "stop_protection", askable=not wide)
        if wide:
            yield destructive(0.65, "stop_protection")
    if acts & SENDING or acts & word_set("create add schedule call invite order"):
        yield from _many(acts, values)
    if acts & SENDING:
        yield from _sending(values)
    yield from _rights(acts, values)
    yield from _paths(acts, values)


_KEEPS_KEYS = word_set("write create file save edit vault secret key keys shell bash python code")
_CHANGES_ALL = word_set("set update adjust release start erasure apply assign write lock unlock transfer move close")
_SELECTS = word_set(
    "query q select fields columns origin origins pattern glob include exclude path filter command cmd sql url scope"
    " content text body format locale methods headers host search type types"
)


def _wildcard(tool: str, values: Sequence[Leaf]) -> Verdict | None:
    """Something is changed for `*` where one thing is meant."""
    if not words_of(tool) & _CHANGES_ALL:
        return None
    starred = any(leaf.text.strip() == "*" and leaf.key and leaf.key not in _SELECTS for leaf in values)
    return destructive(0.6, "change_everything", askable=False) if starred else None


def _destroying(acts: frozenset[str], values: Sequence[Leaf]) -> Iterator[Verdict]:
    mild = acts & DESTROYING <= {"disable", "reject", "revoke", "clear", "reset", "kill", "cancel", "withdraw"}
    wide = bool(acts & frozenset({"all", "everything", "bulk", "mass"})) or any(
        leaf.text.strip().lower() in _EVERYTHING or (leaf.key in ("all", "everything", "--all") and leaf.text == "true")
        for leaf in values
    )
    if wide:
        yield destructive(0.65 if mild else 0.78, "delete_everything", askable=mild)
    elif any(_BACKUP_KEYS.search(leaf.key) and leaf.text not in ("false", "0", "null", "") for leaf in values):
        yield destructive(0.6, "delete_with_backups", askable=True)
    for leaf in values:
        if leaf.plain or len(leaf.text) > 400 or "\n" in leaf.text:
            continue
        place = (
            place_of(leaf.text)
            if "/" in leaf.text or "\\" in leaf.text or leaf.text.startswith("~")
            else Place.ORDINARY
        )
        if is_disk(leaf.text):
            yield destructive(0.85, "erase_disk")
        elif place is Place.SYSTEM:
            yield destructive(0.92, "delete_broad")
        elif place in (Place.DATA, Place.SYSTEM_FILE):
            yield destructive(0.7, "delete_broad")


def _many(acts: frozenset[str], values: Sequence[Leaf]) -> Iterator[Verdict]:
    for leaf in values:
        if leaf.key in _COUNT_KEYS and leaf.text.isdigit() and len(leaf.text) < 15 and int(leaf.text) >= 1000:
            yield denial(0.75 if int(leaf.text) >= 5000 or acts & SENDING else 0.5, "flood", askable=True)


def _sending(values: Sequence[Leaf]) -> Iterator[Verdict]:
    hosts = [
        host
        for leaf in values
        if not leaf.plain and len(leaf.text) < 500
        for host in [host_of(leaf.text)]
        if host and not secrecy(leaf.text)
    ]
    outside = [host for host in hosts if not is_inside(host)]
    secret = max((secrecy(leaf.text) for leaf in values if not leaf.plain and len(leaf.text) < 300), default=0.0)
    if secret >= 0.6:
        yield exfiltration(0.85 if outside else 0.6, "send_secret_file")
    elif secret >= 0.45 and outside:
        yield exfiltration(0.6, "send_system_file")
    elif any(is_drop(host) for host in outside):
        yield exfiltration(0.5, "send_to_drop")
    if any(_PERSONAL.search(leaf.text[:200]) for leaf in values):
        yield exfiltration(0.55, "send_to_personal_store", askable=True)


_CHANGING = word_set("grant assign set update add create change promote elevate attach modify put patch invite")


def _rights(acts: frozenset[str], values: Sequence[Leaf]) -> Iterator[Verdict]:
    changing = acts & word_set(
        "grant assign set update add create change promote elevate attach modify put patch invite"
    )
    if not changing:
        return
    for leaf in values:
        value = leaf.text.strip().lower()
        if leaf.key in (
            "role",
            "roles",
            "permission",
            "permissions",
            "privilege",
            "privileges",
            "access",
            "access_level",
            "policy",
            "group",
            "scope",
            "scopes",
        ) and re.fullmatch(
            r"(?:super_?)?admin(?:istrator)?s?|root|owner|superuser|full(?:[_ -]?(?:control|access))?|domain"
            r" admins|administratoraccess|\*|\*:\*|all",
            value,
        ):
            yield exploit(0.55, "raise_rights", askable=True)
        elif leaf.key in ("visibility", "acl", "sharing", "access", "public", "link_access") and value in (
            "public",
            "public-read",
            "public-read-write",
            "anyone",
            "anyone_with_link",
            "everyone",
        ):
            yield exfiltration(0.5, "make_public", askable=True)


def _paths(acts: frozenset[str], values: Sequence[Leaf]) -> Iterator[Verdict]:
    """Files named by path: secrets that are read, start files that are written, ways out of a folder."""
    reading = bool(acts & word_set("read open get cat view fetch load download show copy upload attach"))
    writing = bool(acts & word_set("write create edit append save put replace patch update"))
    for leaf in values:
        if (
            leaf.plain
            or len(leaf.text) > 400
            or not leaf.text
            or "\n" in leaf.text
            or not re.search(r"path|file|dir|folder|source|src|dest|target|attach|name|uri|^$", leaf.key)
        ):
            continue
        if re.search(
            r"(?:\.\.[/\\]){2,}\S*(?:etc|root|home|windows|\.ssh|\.env|proc)\b|(?:\.\.[/\\]){5,}|%2e%2e%2f.*%2e%2e%2f",
            leaf.text,
            re.IGNORECASE,
        ):
            yield exploit(0.8, "path_traversal")
        if writing and re.search(
            r"authorized_keys|/etc/(?:sudoers|passwd|shadow|cron|ld\.so\.preload|pam\.d)|/\.(?:bashrc|profile|zshrc)$",
            leaf.text,
        ):
            yield exploit(0.65, "plant_start", askable=True)
        elif reading and secrecy(leaf.text) >= 0.9:
            yield exfiltration(0.7, "read_secret_file", askable=True)
