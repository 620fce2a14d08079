"""How well the learned detectors tell attacks and harm from harmless text, on files they were not trained on.

    python bench/quality.py --data ../shared/data [--limit 500] [--sets written.dev,real.dev,dev] [--plots docs]

Every row goes through `Guard`, as a request would. Printed as Markdown: area under the curve, recall where 1 % and
0.1 % of harmless rows are flagged, recall and false alarms at the one default threshold, each with a 95 % interval
(Wilson), expected calibration error, and the same by source and by category. `dev` comes from the sources of training
and says little; `written.dev` and `real.dev` say more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plots import lines_svg, reliability, trade_off

from guardhouse.engine.guard import Guard
from guardhouse.model.conversation import Conversation, Role
from guardhouse.model.evaluation import Outcome
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.settings import Settings

THRESHOLD = 0.5
ATTACKS = "prompt_attack"
HARM = "harmful_content"
DETECTORS = {"agent": (ATTACKS, "tool_call")}
"""What is measured on a set that is not of prompts alone."""
FILES = {
    "written.dev": "prompt_attacks/written.dev.jsonl.gz",
    "real.dev": "prompt_attacks/real.dev.jsonl.gz",
    "dev": "prompt_attacks/dev.jsonl.gz",
    "multiturn": "prompt_attacks/multiturn.dev.jsonl.gz",
    "agent": "agent/written.dev.jsonl.gz",
    "harmful": "harmful/dev.jsonl.gz",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One row with what the guard said: confidences by kind, and the highest of them."""

    row: Mapping[str, Any]
    confidences: Mapping[str, float]

    @property
    def confidence(self) -> float:
        """How sure the guard is that there is anything of the family at all."""
        return max(self.confidences.values(), default=0.0)


def read_rows(path: Path, limit: int) -> Iterator[dict[str, Any]]:
    """The rows of a corpus file; with a limit, so many of them, spread evenly."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    step = max(1, len(rows) // limit) if limit else 1
    yield from rows[::step][: limit or None]


def conversation_of(row: Mapping[str, Any]) -> Conversation:
    """What a row would be in a request: its text in its channel, or its messages."""
    if "messages" in row:
        return conversation_from_messages(row["messages"])
    return conversation_from_text(row["text"], role=Role(row.get("channel", "user")))


def judge_rows(guard: Guard, rows: Iterable[Mapping[str, Any]], *detectors: str) -> list[Judged]:
    """Every row through the guard, with a recipe of those detectors alone. Raises when one could not run."""
    settings = tuple(DetectorSetting(detector, Rule(RuleAction.REPORT)) for detector in detectors)
    recipe = Recipe("quality", "Quality", "The measured detectors alone.", settings, stop_on_block=False)
    judged = []
    for row in rows:
        snapshot = guard.snapshot
        request = EvaluationRequest(conversation_of(row), recipe=recipe.name)
        with_recipe = type(snapshot)(snapshot.revision, snapshot.policies, {recipe.name: recipe})
        evaluation = guard.judge(request, with_recipe)
        for report in evaluation.reports:
            if report.outcome in (Outcome.FAILED, Outcome.NOT_EXECUTED):
                raise RuntimeError(f"{report.detector} did not run: {report.detail}")
        judged.append(Judged(row, evaluation.confidences))
    return judged


def interval(hits: int, total: int) -> str:
    """A share with its 95 % Wilson interval, `.812 (.79-.83)`; a dash for nothing."""
    if total == 0:
        return "-"
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    return f"{share:.3f} ({max(0, middle - reach):.2f}-{min(1, middle + reach):.2f})"


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a random attack is rated above a random harmless text; ties count half."""
    ranked = sorted([(value, 1) for value in positive] + [(value, 0) for value in negative])
    total, below, index = 0.0, 0, 0
    while index < len(ranked):
        end = index
        while end < len(ranked) and ranked[end][0] == ranked[index][0]:
            end += 1
        ones = sum(label for _, label in ranked[index:end])
        zeros = end - index - ones
        total += ones * (below + zeros / 2)
        below += zeros
        index = end
    return total / (len(positive) * len(negative)) if positive and negative else float("nan")


def recall_at(positive: Sequence[float], negative: Sequence[float], rate: float) -> float:
    """The share of attacks above the confidence that only `rate` of harmless texts pass."""
    if not positive or not negative:
        return float("nan")
    ranked = sorted(negative, reverse=True)
    limit = ranked[min(int(rate * len(ranked)), len(ranked) - 1)]
    return sum(value > limit for value in positive) / len(positive)


def calibration_error(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Expected calibration error over ten bins, at the set's own share of attacks."""
    bins: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for values, label in ((positive, 1), (negative, 0)):
        for value in values:
            bins[min(int(value * 10), 9)].append((value, label))
    total = len(positive) + len(negative)
    return sum(abs(sum(value - label for value, label in inside)) for inside in bins.values()) / total


HEADER = "| {} | attacks | harmless | AUC | recall at 1 % | at 0.1 % | caught at .5 | false alarms at .5 | ECE |"


def line(name: str, positive: Sequence[float], negative: Sequence[float]) -> str:
    """One row of the table of sets."""
    caught = interval(sum(value >= THRESHOLD for value in positive), len(positive))
    false = interval(sum(value >= THRESHOLD for value in negative), len(negative))
    return (
        f"| {name} | {len(positive)} | {len(negative)} | {area_under_curve(positive, negative):.3f} "
        f"| {recall_at(positive, negative, 0.01):.3f} | {recall_at(positive, negative, 0.001):.3f} "
        f"| {caught} | {false} | {calibration_error(positive, negative):.3f} |"
    )


def print_table(first: str, rows: Iterable[str]) -> None:
    """A Markdown table whose first column is called `first`."""
    header = HEADER.format(first)
    print(header)
    print("|" + "---|" * (header.count("|") - 1))
    for row in rows:
        print(row)
    print()


def split(judged: Iterable[Judged], is_positive: Callable[[Judged], bool]) -> tuple[list[float], list[float]]:
    """Confidences of attacks and of harmless rows."""
    positive: list[float] = []
    negative: list[float] = []
    for one in judged:
        (positive if is_positive(one) else negative).append(one.confidence)
    return positive, negative


def is_attack(judged: Judged) -> bool:
    """The row's own label."""
    return bool(judged.row["label"] == "attack")


def report_attacks(name: str, judged: Sequence[Judged]) -> None:
    """By source and by category, for one set of prompt attacks."""
    print(f"### {name}: at .5, by source\n")
    print("| source | attacks caught | false alarms |\n|---|---|---|")
    by_source: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by_source[str(one.row.get("source", "?")).split("(")[0]].append(one)
    for source, group in sorted(by_source.items(), key=lambda item: -len(item[1])):
        positive, negative = split(group, is_attack)
        caught, false = (
            interval(sum(value >= THRESHOLD for value in values), len(values)) for values in (positive, negative)
        )
        print(f"| {source} | {caught} | {false} |")
    print(f"\n### {name}: by category\n")
    print("| category | rows | caught as any kind | as this kind | said of harmless rows |\n|---|---|---|---|---|")
    harmless = [one for one in judged if not is_attack(one)]
    for category in sorted({category for one in judged for category in one.row.get("categories", ())}):
        kind = category.upper().replace("-", "_")
        rows = [one for one in judged if category in one.row.get("categories", ())]
        any_kind = sum(one.confidence >= THRESHOLD for one in rows)
        this_kind = sum(one.confidences.get(kind, 0) >= THRESHOLD for one in rows)
        false = sum(one.confidences.get(kind, 0) >= THRESHOLD for one in harmless)
        print(
            f"| {category} | {len(rows)} | {interval(any_kind, len(rows))} | {interval(this_kind, len(rows))} "
            f"| {interval(false, len(harmless))} |"
        )
    print()


def report_harm(judged: Sequence[Judged]) -> None:
    """One line per harm that the corpus judges; rows it did not judge on that harm are left out of its line."""
    lines = []
    for category in sorted({name for one in judged for name in one.row["categories"]}):
        kind = category.upper().replace("-", "_")
        if not any(kind in one.confidences for one in judged):
            continue
        known = [one for one in judged if one.row["categories"][category] is not None]
        positive = [one.confidences.get(kind, 0.0) for one in known if one.row["categories"][category]]
        negative = [one.confidences.get(kind, 0.0) for one in known if not one.row["categories"][category]]
        lines.append(line(category, positive, negative))
    print("## harmful content (dev: the sources of training)\n")
    print_table("harm", lines)


def write_plots(folder: Path, attacks: Mapping[str, Sequence[Judged]]) -> None:
    """`quality-reliability.svg` and `quality-trade-off.svg` of the sets that are not the sources of training."""
    sides = {name: split(attacks[name], is_attack) for name in ("written.dev", "real.dev") if name in attacks}
    confident = {name: reliability(*both) for name, both in sides.items()}
    traded = {name: trade_off(*both) for name, both in sides.items()}
    plot = lines_svg(
        confident, title="How often a confidence is right", across="confidence", up="attacks among them", diagonal=True
    )
    (folder / "quality-reliability.svg").write_text(plot, "utf-8")
    plot = lines_svg(
        traded, title="Attacks caught and false alarms", across="harmless texts flagged", up="attacks caught"
    )
    (folder / "quality-trade-off.svg").write_text(plot, "utf-8")


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"), help="the corpora's folder")
    arguments.add_argument("--limit", type=int, default=0, help="rows of each set; 0 takes all")
    arguments.add_argument("--sets", default=",".join(FILES), help=f"which of {', '.join(FILES)}")
    arguments.add_argument("--plots", type=Path, help="folder for plots of the sets of prompt attacks")
    arguments.add_argument("--brief", action="store_true", help="only the tables of whole sets")
    options = arguments.parse_args()
    guard = Guard(settings=Settings(plugins=False))
    guard.load()
    begun = time.monotonic()
    print(f"Model {guard.classifier_name}, threshold {THRESHOLD}.\n")
    names = options.sets.split(",")
    attacks = {
        name: judge_rows(guard, read_rows(options.data / FILES[name], options.limit), *DETECTORS.get(name, (ATTACKS,)))
        for name in names
        if name != "harmful"
    }
    print("## prompt attacks\n")
    print_table("set", [line(name, *split(judged, is_attack)) for name, judged in attacks.items()])
    if options.plots:
        write_plots(options.plots, attacks)
    if not options.brief:
        for name, judged in attacks.items():
            report_attacks(name, judged)
    if "harmful" in names:
        report_harm(judge_rows(guard, read_rows(options.data / FILES["harmful"], options.limit), HARM))
    print(f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
