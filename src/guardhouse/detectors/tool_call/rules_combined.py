"""What only several commands together show, such as a download that is run, and the programs with one rule each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.tool_call.hosts import host_of, is_address, is_drop, is_inside, is_installer
from guardhouse.detectors.tool_call.rules_destructive import Rule
from guardhouse.detectors.tool_call.shell_facts import Command, Script, Stage
from guardhouse.detectors.tool_call.unwrap import INTERPRETERS, Inner, Language
from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive, exfiltration, exploit

_PRELOAD = re.compile(r"\bLD_PRELOAD=\S{0,80}/(?:tmp|dev/shm|home|var/tmp)/")
_MANY = re.compile(r"\{\d+\.\.\d{5,}\}|\bseq\s+(?:\d+\s+)?\d{5,}|\(\(\s*\w+\s*=\s*\d+\s*;\s*\w+\s*<=?\s*\d{5,}")
_LOOSE_FOLDER = re.compile(r"/(?:var/)?tmp/|/dev/shm/|\./")
_SCAN = re.compile(r"--script[ =]\S*(?:vuln|exploit|brute|dos|malware)", re.IGNORECASE)


def written_scripts(script: Script) -> Iterator[Inner]:
    """Texts that are printed into a file which the same script runs afterwards."""
    for index, stage in enumerate(script.stages):
        command = stage.command
        if command.name not in ("echo", "printf", "cat") or not command.writes:
            continue
        text = command.stdin or " ".join(arg for arg in command.args if arg not in ("-e", "-n"))
        name = command.writes[-1]
        if text and any(_runs(later.command, name) for later in script.stages[index + 1 :]):
            yield Inner(Language.SHELL, text)


def _runs(command: Command, file: str) -> bool:
    """True when `command` is `file`, or an interpreter that reads it."""
    name = file.rsplit("/", 1)[-1].lower()
    if len(name) < (1 if "/" in file else 2):
        return False
    if command.name == name:
        return True
    return command.name in (*INTERPRETERS, "source", ".") and any(
        arg.rsplit("/", 1)[-1].lower() == name for arg in command.operands[:2]
    )


def downloaded_program(script: Script) -> Iterator[Verdict]:
    """A file is fetched and run by the same script."""
    for index, stage in enumerate(script.stages):
        command = stage.command
        if command.name not in ("curl", "wget", "fetch", "aria2c", "certutil", "bitsadmin"):
            continue
        urls = [arg for arg in command.args if "://" in arg]
        host = host_of(urls[0]) if urls else ""
        file = command.value("-o", "-O", "--output", "--output-document") or (urls[0].partition("?")[0] if urls else "")
        if not host or is_installer(host) or is_inside(host) or not file:
            continue
        if any(_runs(later.command, file) for later in script.stages[index + 1 :]):
            hidden = re.search(r"(?:^|/)(?:tmp|dev/shm)/|/\.", file)
            sure = is_address(host) or is_drop(host) or urls[0].startswith("http://")
            yield exploit(0.85 if sure else 0.6 if hidden else 0.42, "run_download", askable=True)


def _planted(script: Script) -> Iterator[Verdict]:
    if _PRELOAD.search(script.text):
        yield exploit(0.6, "plant_library")
    many = bool(_MANY.search(script.text))
    if many and any(
        stage.looped and (stage.background or stage.command.name in ("curl", "wget", "nc")) for stage in script.stages
    ):
        yield denial(0.7, "flood")


WHOLE = (downloaded_program, _planted)


def _module(stage: Stage, script: Script) -> Iterator[Verdict]:
    if any(_LOOSE_FOLDER.match(arg) for arg in stage.command.operands):
        yield exploit(0.6, "load_kernel_module")


def _enter(stage: Stage, script: Script) -> Iterator[Verdict]:
    if stage.command.value("-t", "--target") == "1":
        yield exploit(0.6, "escape_container")


def _scan(stage: Stage, script: Script) -> Iterator[Verdict]:
    if _SCAN.search(stage.command.line):
        yield exploit(0.6, "attack_scan", askable=True)


def _serve(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    if "http.server" in command.args and command.value("-d", "--directory") in (
        "/",
        "~",
        "$HOME",
        "/etc",
        "/home",
        "/root",
    ):
        yield exfiltration(0.65, "serve_files")


def _secrets(stage: Stage, script: Script) -> Iterator[Verdict]:
    line = stage.command.line
    if re.search(r"etcdctl get (?:/|\"\") .*--prefix|security dump-keychain|gpg --export-secret|keychain.*dump", line):
        yield exfiltration(0.65, "read_secret_store")


def _remote(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    if command.name == "helm" and "uninstall" in command.args and (stage.sources or command.spread):
        yield destructive(0.6, "delete_releases")
    elif command.name == "gh" and command.args[:2] == ("repo", "delete"):
        yield destructive(0.6, "delete_repository", askable=True)
    elif command.name == "tc" and re.search(r"netem (?:loss (?:100|9\d)%|delay \d{5,}ms)", line):
        yield denial(0.55, "cut_network", askable=True)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("insmod", "modprobe"), _module),
    "nsenter": _enter,
    "nmap": _scan,
    **dict.fromkeys(("python", "python3", "python2"), _serve),
    **dict.fromkeys(("kubectl", "etcdctl", "security", "gpg", "docker"), _secrets),
    **dict.fromkeys(("helm", "gh", "tc"), _remote),
}
