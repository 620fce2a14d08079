"""What disguise and burial do to the verdict: every text of a dev file under each of twenty mutations.

    python bench/robustness.py --data ../shared/data [--limit 200]

Attacks and harmless texts are changed alike, so that a mutation that merely makes everything look like an attack shows.
Burial puts a text between paragraphs of harmless documents, as a tool result of 2, 8 or 32 KB.
"""

from __future__ import annotations

import argparse
import base64
import codecs
import html
import random
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quality import ATTACKS, FILES, THRESHOLD, Judged, interval, is_attack, judge_rows, read_rows, split

from guardhouse.engine.guard import Guard
from guardhouse.settings import Settings

_LEET = str.maketrans("aeiost", "431057")
_LOOKALIKES = str.maketrans("aceiopxyABEHKMOPTX", "асеіорхуАВЕНКМОРТХ")
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
BURIED = (2_000, 8_000, 32_000)


def _typos(text: str) -> str:
    chance = random.Random(len(text))
    words = text.split(" ")
    for index in range(0, len(words), 4):
        word = words[index]
        if len(word) > 4:
            at = chance.randrange(1, len(word) - 2)
            words[index] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _by_word(text: str, between: str) -> str:
    return between.join(text.split(" "))


MUTATIONS: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "base64": lambda text: "Text: " + base64.b64encode(text.encode()).decode(),
    "hex": lambda text: "0x" + text.encode().hex(),
    "percent-encoding": urllib.parse.quote,
    "HTML entities": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "\\u escapes": lambda text: "".join(
        f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else letter for letter in text
    ),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "leet": lambda text: text.translate(_LEET),
    "homoglyphs": lambda text: text.translate(_LOOKALIKES),
    "full width": lambda text: text.translate(_WIDE),
    "zero width between letters": lambda text: "\u200b".join(text),
    "soft hyphens": lambda text: "\u00ad".join(text),
    "combining marks": lambda text: "".join(letter + "\u0336" if letter.isalpha() else letter for letter in text),
    "tag characters": lambda text: "Hi! " + "".join(chr(0xE0000 + ord(letter)) for letter in text if ord(letter) < 128),
    "letters spaced out": lambda text: " ".join(text.replace(" ", "  ")),
    "upper case": str.upper,
    "alternating case": lambda text: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text)),
    "typos": _typos,
    "split by mark-up": lambda text: "<p>" + _by_word(html.escape(text), "</b> <b>") + "</p>",
    "split by Markdown": lambda text: _by_word(text, " **·** "),
}


def buried(text: str, documents: Sequence[str], size: int, chance: random.Random) -> str:
    """The text as a paragraph somewhere in `size` code points of harmless documents."""
    around = ""
    while len(around) < size:
        around += chance.choice(documents) + "\n\n"
    around = around[:size]
    breaks = [at + 2 for at in range(len(around) - 1) if around.startswith("\n\n", at)] or [size // 2]
    at = chance.choice(breaks)
    return f"{around[:at]}{text}\n\n{around[at:]}"


def report(guard: Guard, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line: the share of attacks caught and of harmless texts flagged."""
    judged: list[Judged] = judge_rows(guard, rows, ATTACKS)
    caught, false = (
        interval(sum(value >= THRESHOLD for value in values), len(values)) for values in split(judged, is_attack)
    )
    print(f"| {name} | {caught} | {false} |", flush=True)


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"), help="the corpora's folder")
    arguments.add_argument("--limit", type=int, default=0, help="rows of the dev file; 0 takes all")
    options = arguments.parse_args()
    guard = Guard(settings=Settings(plugins=False))
    rows = [row for row in read_rows(options.data / FILES["written.dev"], options.limit) if row["channel"] != "system"]
    print(f"Model {guard.classifier_name}, threshold {THRESHOLD}, {len(rows)} texts of written.dev.\n")
    print("| mutation | attacks caught | harmless flagged |\n|---|---|---|")
    for name, mutate in MUTATIONS.items():
        report(guard, name, [{**row, "text": mutate(row["text"])} for row in rows])
    harmless = read_rows(options.data / FILES["dev"], 0)
    documents = [
        row["text"]
        for row in harmless
        if row["label"] == "benign" and row["channel"] in ("tool", "document") and len(row["text"]) > 400
    ]
    print("\n| buried in | orders in it caught | harmless flagged |\n|---|---|---|")
    for size in BURIED:
        chance = random.Random(size)
        placed = [
            {**row, "channel": "tool", "text": buried(row["text"], documents, size, chance)}
            for row in rows
            if row["label"] == "benign" or row["channel"] in ("tool", "document")
        ]
        report(guard, f"{size // 1000} KB", placed[:: 3 if size > 10_000 else 1])


if __name__ == "__main__":
    main()
