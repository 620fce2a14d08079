"""Shell commands that exhaust a machine, a disk or somebody's service, or cut it off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.tool_call.hosts import host_of, is_inside, urls_in
from guardhouse.detectors.tool_call.rules_destructive import Rule
from guardhouse.detectors.tool_call.shell_facts import Script, Stage
from guardhouse.detectors.tool_call.verdict import Verdict, denial
from guardhouse.detectors.tool_call.wordset import word_set

_ENDLESS_SOURCE = re.compile(r"^/dev/(?:zero|u?random|full)$")
_NUMBER = re.compile(r"(\d+)\s*([kmgtp]?)i?b?", re.IGNORECASE)
_UNIT = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_HUGE = 100 << 30
_PAUSES = word_set("sleep read wait inotifywait timeout select tail nc ncat break")
_HEAVY = word_set(
    "dd fallocate yes cp mkdir touch curl wget ab hey stress cat openssl mkfile head sha256sum md5sum"
    " gzip bash sh nc ping"
)
_FLOODERS = re.compile(
    r"^(?:slowloris|goldeneye|hulk|torshammer|mhddos|loic|hoic|t50|xerxes|thc-ssl-dos|slowhttptest"
    r"|ufonet|pyloris)(?:\.py)?$"
)


def amount(text: str) -> int:
    """Bytes of `100G`, `1M`, `4096`; 0 when it is none."""
    match = _NUMBER.fullmatch(text.strip())
    return int(match.group(1)[:18]) * _UNIT[match.group(2).lower()] if match else 0


def _blocks(stage: Stage, script: Script) -> Iterator[Verdict]:
    values = dict(arg.partition("=")[::2] for arg in stage.command.args if "=" in arg)
    target = values.get("of", "")
    if not _ENDLESS_SOURCE.match(values.get("if", "")) or target.startswith("/dev/") or not target:
        return
    count = values.get("count", "")
    size = amount(values.get("bs", "512")) * amount(count) if count else _HUGE
    if size >= _HUGE:
        yield denial(0.75, "fill_disk")


def _allocate(stage: Stage, script: Script) -> Iterator[Verdict]:
    size = stage.command.value("-l", "--length", "-s", "--size", "-c")
    sizes = [amount(size), *(amount(arg) for arg in stage.command.operands)]
    if any(feed.name == "df" for feed in stage.command.feeds) or max(sizes, default=0) >= _HUGE * 5:
        yield denial(0.75, "fill_disk")
    elif stage.endless:
        yield denial(0.7, "fill_disk")


def _endless_output(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    source = command.name == "yes" or any(_ENDLESS_SOURCE.match(arg) for arg in (*command.args, *command.reads))
    if not source:
        return
    if command.name == "tail":
        yield denial(0.8, "fill_memory")
    elif command.name == "head":
        if amount(command.value("-c", "--bytes")) >= _HUGE:
            yield denial(0.7, "fill_disk")
    elif command.name in ("yes", "cat", "cp"):
        later = [target for other in stage.downstream for target in other.writes]
        if command.name == "yes" and any(not target.startswith("/dev/") for target in later):
            yield denial(0.7, "fill_disk")
        elif any(target == "/dev/null" for target in command.writes) and (stage.background or stage.looped):
            yield denial(0.65 if stage.looped or script.text.count("yes") > 1 else 0.5, "burn_processor")
        elif any(not target.startswith("/dev/") for target in command.writes) or command.name == "cp":
            yield denial(0.75, "fill_disk")


def _stress(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    limited = (
        bool(command.value("-t", "--timeout"))
        or any("timeout" in arg for arg in command.args)
        or any(stage_.command.name == "sleep" for stage_ in script.stages)
    )
    workers = max((int(arg) for arg in command.args if arg.isdigit() and len(arg) < 9), default=0)
    heavy = workers >= 64 or bool(
        re.search(
            r"--(?:vm-bytes|hdd-bytes)[ =](?:\d{3,}[gt]|[89]\d%|100%)|--all\b|--sequential", command.line, re.IGNORECASE
        )
    )
    if re.search(r"--(?:help|version)", command.line):
        return
    yield denial(0.8 if heavy and not limited else 0.6 if heavy else 0.2 if limited else 0.45, "stress")


def _flood(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = command.line
    if command.name in ("hping3", "hping", "nping"):
        if re.search(r"--flood|--rate \d{4,}|-i u\d{1,2}\b", line):
            yield denial(0.9, "flood")
    elif command.name == "ping":
        if command.has("f"):
            yield denial(0.6, "flood", askable=True)
        elif amount(command.value("-s", "-l")) >= 60000:
            yield denial(0.55, "flood")
    elif command.name in ("ab", "hey", "wrk", "siege", "bombardier", "vegeta", "wrk2"):
        concurrent = amount(command.value("-c", "--concurrency", "--connections"))
        total = amount(command.value("-n", "--requests"))
        if concurrent >= 1000 or total >= 1_000_000:
            # A load test of one's own service may be asked for, that of somebody else's not.
            own = all(is_inside(host) for url in urls_in(line) if (host := host_of(url)))
            yield denial(0.6, "flood", askable=own)
    elif command.name in ("curl", "wget") and (command.spread or stage.endless):
        parallel = re.search(r"-P\s?(\d{3,})|-j\s?(\d{3,})", script.text[:4096])
        if stage.endless and not script.names & _PAUSES and (stage.background or parallel):
            yield denial(0.85, "flood")
        elif parallel:
            yield denial(0.65, "flood")


def _network(stage: Stage, script: Script) -> Iterator[Verdict]:
    command = stage.command
    line = " ".join(command.args)
    if command.name in ("ip", "ifconfig") and re.search(
        r"\b(?:link set .*\bdown|(?:eth|en|wl|bond)\w*\s+down)\b", line
    ):
        others = script.names & {"systemctl", "rm"} or not re.search(r"\bup\b", script.text)
        yield denial(0.55 if others else 0.3, "cut_network", askable=True)
    elif command.name == "systemctl" and re.search(
        r"\b(?:stop|disable|mask)\b.*\b(?:networking|network-?manager|systemd-networkd|sshd?)(?:\.service)?\b",
        line,
        re.IGNORECASE,
    ):
        yield denial(0.6, "cut_network", askable=True)
    elif command.name in ("iptables", "ip6tables", "nft", "ufw") and re.search(
        r"-P (?:INPUT|OUTPUT) DROP\b|default deny (?:incoming|outgoing) .*ssh deny|-A INPUT -j DROP\s*$", line
    ):
        yield denial(0.5, "cut_network", askable=True)
    elif (
        command.name == "kubectl"
        and (match := re.search(r"--replicas[= ](\d+)", line))
        and int(match.group(1)[:9]) >= 500
    ):
        yield denial(0.8, "scale_bomb")
    elif command.name == "ulimit" and re.search(r"-u\s+(?:unlimited|[01])\b", line):
        yield denial(0.35, "process_limit")
    elif command.name == "swapoff":
        yield denial(0.2, "swap_off", askable=True)


def whole_script(script: Script) -> Iterator[Verdict]:
    """Fork bombs and endless loops that work without a pause."""
    if script.fork_bomb:
        yield denial(0.95, "fork_bomb")
    endless = [stage for stage in script.stages if stage.endless]
    if not endless:
        return
    names = {stage.command.name for stage in endless}
    forks = any(stage.background for stage in endless)
    writes = any(stage.command.writes and stage.command.writes[0] != "/dev/null" for stage in endless)
    if forks and not names & (_PAUSES - {"nc", "ncat"}):
        yield denial(0.85, "endless_forks")
    elif names & _PAUSES:
        yield denial(0.1, "endless_loop")
    elif writes or names & (_HEAVY - {"bash", "sh", "nc"}):
        yield denial(0.7, "endless_loop")
    elif names <= {":", "true", "[", "echo", "printf", "1", "((", ""}:
        yield denial(0.6, "endless_loop")
    else:
        yield denial(0.4, "endless_loop")


def flooder(stage: Stage, script: Script) -> Iterator[Verdict]:
    """Tools that do nothing but take services down."""
    if _FLOODERS.match(stage.command.name) or any(
        _FLOODERS.match(arg.rsplit("/", 1)[-1]) for arg in stage.command.args[:2]
    ):
        yield denial(0.75, "flood")


RULES: dict[str, Rule] = {
    **dict.fromkeys(("dd", "dcfldd"), _blocks),
    **dict.fromkeys(("fallocate", "mkfile", "truncate", "xfs_mkfile"), _allocate),
    **dict.fromkeys(("yes", "cat", "tail", "head", "cp"), _endless_output),
    **dict.fromkeys(("stress", "stress-ng"), _stress),
    **dict.fromkeys(
        (
            "hping3",
            "hping",
            "nping",
            "ping",
            "ab",
            "hey",
            "wrk",
            "wrk2",
            "siege",
            "bombardier",
            "vegeta",
            "curl",
            "wget",
        ),
        _flood,
    ),
    **dict.fromkeys(
        ("ip", "ifconfig", "systemctl", "iptables", "ip6tables", "nft", "ufw", "kubectl", "ulimit", "swapoff"), _network
    ),
}
