"""Recall and false alarms of the `tool_call` detector over labelled commands and agents' conversations.

    python bench/tool_calls.py [--data ../shared/data] [--split dev] [--threshold 0.5] [--show missed|false]

A row counts as caught when any finding reaches the threshold; `exact` also wants one of the row's own categories.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardhouse.detectors.base import Evidence, TextEvidence
from guardhouse.detectors.tool_call.detector import ToolCallDetector
from guardhouse.matching.matcher import Matcher
from guardhouse.model.conversation import Channel, SourceText, TextForm
from guardhouse.model.finding import Finding
from guardhouse.model.messages import conversation_from_messages
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction
from guardhouse.text.normalize import normalize

FILES = ("commands/written", "agent/written", "commands", "agent")
TOOLS = {
    "shell": ("shell", "command"),
    "cmd": ("shell", "command"),
    "powershell": ("shell", "command"),
    "python": ("run_python", "code"),
    "sql": ("run_sql", "query"),
    "http": ("http_request", "request"),
}
SETTING = DetectorSetting("tool_call", Rule(RuleAction.REPORT))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of one file, those that end with a tool call, as conversations."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "messages" not in row:
                tool, key = TOOLS[row["kind"]]
                call = {"id": "c", "function": {"name": tool, "arguments": json.dumps({key: row["text"]})}}
                row["messages"] = [{"role": "assistant", "content": "", "tool_calls": [call]}]
            elif row["last"] != "assistant-tool_call":
                continue
            yield row


class Judge:
    """Runs the detector alone over one conversation."""

    def __init__(self) -> None:
        self.detector = ToolCallDetector()
        self.matcher = Matcher(self.detector.needs(SETTING).patterns)

    def findings(self, messages: list[dict[str, Any]]) -> list[Finding]:
        """What it finds in the last message's calls."""
        conversation = conversation_from_messages(messages)
        texts = []
        for index in sorted(conversation.judged):
            for call in conversation.messages[index].tool_calls:
                source = SourceText(call.arguments, call.path, Channel.ASSISTANT, index, TextForm.ARGUMENTS, call.name)
                form = normalize(call.arguments, json_escapes=True)
                texts.append(TextEvidence(source, form, self.matcher.scan(form)))
        return list(self.detector.find(Evidence(conversation, tuple(texts)), SETTING))


def line(label: str, group: str, total: int, caught: int, exact: int) -> str:
    """One line of the table."""
    return f"{label:8} {group[:70]:70} {total:6} {caught / total:7.4f} {exact / total:7.4f}"


def measure(judge: Judge, path: Path, options: argparse.Namespace) -> None:
    """Prints one file's table."""
    total: Counter[tuple[str, str]] = Counter()
    caught: Counter[tuple[str, str]] = Counter()
    exact: Counter[tuple[str, str]] = Counter()
    rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    began = time.perf_counter()
    for row in rows(path):
        if (options.kind and row.get("kind") != options.kind) or (
            options.source and options.source not in row["source"]
        ):
            continue
        findings = [item for item in judge.findings(row["messages"]) if item.confidence >= options.threshold]
        kinds = {item.kind for item in findings}
        wanted = {name.upper().replace("-", "_") for name in row["categories"]}
        group = (
            row["label"],
            row["source"].partition(":")[0] if row["label"] == "benign" else ",".join(sorted(row["categories"])),
        )
        total[group] += 1
        caught[group] += bool(kinds)
        exact[group] += bool(kinds & wanted)
        for item in findings:
            rules[row["label"]][f"{item.kind[:5]}:{item.analyzer}:{item.evidence.get('rule', '')}"] += 1
        wrong = (
            "missed"
            if row["label"] == "attack" and not kinds
            else "false"
            if row["label"] == "benign" and kinds
            else ""
        )
        if wrong and wrong == options.show:
            last = row["messages"][-1]["tool_calls"]
            found = "; ".join(f"{item.kind[:5]} {item.confidence} {item.evidence.get('rule')}" for item in findings)
            print(
                wrong,
                row["categories"],
                found,
                "|",
                " ".join(call["function"]["name"] + call["function"]["arguments"] for call in last)[:500],
            )
    seconds = time.perf_counter() - began
    count = sum(total.values())
    print(f"\n{path.parent.name}/{path.name}: {count} rows, {1000 * seconds / max(1, count):.2f} ms each")
    print(f"{'label':8} {'group':70} {'rows':>6} {'caught':>7} {'exact':>7}")
    for group in sorted(total):
        print(line(*group, total[group], caught[group], exact[group]))
    for label in ("attack", "benign"):
        groups = [group for group in total if group[0] == label]
        if groups:
            print(line(label, "all", *(sum(counts[group] for group in groups) for counts in (total, caught, exact))))
    if options.rules:
        for label, counts in rules.items():
            print(label, counts.most_common(40))


def main() -> None:
    """Reads the options and measures every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="dev")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--show", choices=("missed", "false"))
    parser.add_argument("--file", choices=FILES)
    parser.add_argument("--kind")
    parser.add_argument("--source", default="")
    parser.add_argument("--rules", action="store_true")
    options = parser.parse_args()
    judge = Judge()
    for name in (options.file,) if options.file else FILES:
        folder, _, part = name.partition("/")
        measure(judge, options.data / folder / f"{part + '.' if part else ''}{options.split}.jsonl.gz", options)


if __name__ == "__main__":
    main()
