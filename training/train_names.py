"""Train the small network that tags names and places, on the states of the exported one, and write it as ONNX.

    python training/train_names.py --data ../shared/data --out src/guardhouse/classifier/data

`network.onnx` must stand in `--out`: its states are what this network reads, 8-bit weights and all, and it is not
changed. A seventh of the texts is held out to report on; dev files are not read.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from card import sign
from fill import filled_rows
from network import NAME_TAGS, NAMES
from prepare import name_rows, own_rows
from torch import Tensor, nn
from train import tag_numbers

from guardhouse.classifier.load import NAMES as NAMES_FILE
from guardhouse.classifier.load import NETWORK, TOKENIZER
from guardhouse.classifier.names import CODES, FLAGS, LETTERS, Words, read_words, word_features
from guardhouse.classifier.network import WIDTH, load_network
from guardhouse.classifier.tags import name_tags
from guardhouse.classifier.tokens import load_tokenizer, token_windows, tokenize, window_ids
from guardhouse.model.conversation import Channel

IGNORED = -100
MOST_WORDS = 160
"""Words of a text that are trained on at once."""
LONGEST = 4_000
"""Longer texts are left out: they cost most and hold little that shorter ones do not."""


class NameNetwork(nn.Module):
    """States, letters and flags of words in (batch by words by ...), logits of name tags out."""

    def __init__(self, *, letter: int = 16, spelling: int = 48, state: int = 96, hidden: int = 96, drop: float = 0.3):
        super().__init__()
        self.letters = nn.Embedding(CODES, letter, padding_idx=0)
        self.spelling = nn.Conv1d(letter, spelling, 3, padding=1)
        self.state = nn.Linear(WIDTH, state)
        self.both_ways = nn.GRU(state + spelling + FLAGS, hidden, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(2 * hidden, len(NAME_TAGS))
        self.drop = nn.Dropout(drop)

    def forward(self, states: Tensor, letters: Tensor, flags: Tensor) -> Tensor:
        """See the class."""
        batch, words, count = letters.shape
        spelt = self.letters(letters.reshape(batch * words, count)).transpose(1, 2)
        spelt = torch.relu(self.spelling(spelt)).amax(2).reshape(batch, words, -1)
        told = torch.cat([torch.relu(self.state(states)), spelt, flags], dim=2)
        read, _ = self.both_ways(self.drop(told))
        return self.tags(self.drop(read))  # type: ignore[no-any-return]


@dataclass(slots=True)
class Example:
    """A text's words, what is read of them, the number of each one's tag, and the ranges that the tags came from."""

    text: str
    words: Words
    letters: np.ndarray
    flags: np.ndarray
    tags: np.ndarray
    ranges: list[list[Any]]
    source: str


def texts(data: Path, seed: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Rows in which every name is marked, and how often each is trained on per epoch."""
    for row in itertools.chain(name_rows(data), (row for row in own_rows() if "tags" in row)):
        yield row, 3 if row["source"].startswith("own:") else 1
    for row in filled_rows(seed):
        yield row, 2


def read_examples(rows: Sequence[dict[str, Any]], folder: Path) -> Iterator[Example | None]:
    """What the shipped network says of each text's words; None for a text without words or one that is too long."""
    tokenizer, network = load_tokenizer(folder / TOKENIZER), load_network(folder / NETWORK)
    for row in rows:
        text = row["text"]
        tokens = tokenize(tokenizer, text)
        ranges = token_windows(len(tokens.ids))
        if not ranges or len(text) > LONGEST:
            yield None
            continue
        read = network.read([window_ids(tokens.ids[start:end], Channel.USER) for start, end in ranges])
        (words,) = read_words(text, tokens, ranges, read)
        letters, flags = word_features(text, words.starts, words.ends)
        words = Words(words.starts, words.ends, words.states.astype(np.float16))
        yield Example(text, words, letters, flags, tag_numbers(words, row["tags"]), row["tags"], row["source"])


def batch_of(examples: Sequence[Example], chance: random.Random, knobs: argparse.Namespace) -> tuple[Tensor, ...]:
    """Words of several texts side by side. Capitals are sometimes taken away or given to all: people write so."""
    length = min(MOST_WORDS, max(len(example.tags) for example in examples))
    states = np.zeros((len(examples), length, WIDTH), dtype=np.float32)
    letters = np.zeros((len(examples), length, LETTERS), dtype=np.int64)
    flags = np.zeros((len(examples), length, FLAGS), dtype=np.float32)
    tags = np.full((len(examples), length), IGNORED)
    for row, example in enumerate(examples):
        spelt = (example.letters, example.flags)
        dice = chance.random()
        if dice < knobs.lower + knobs.upper:
            changed = example.text.lower() if dice < knobs.lower else example.text.upper()
            if len(changed) == len(example.text):
                spelt = word_features(changed, example.words.starts, example.words.ends)
        start = chance.randrange(max(1, len(example.tags) - length + 1))
        part, size = slice(start, start + length), min(length, len(example.tags))
        if chance.random() >= knobs.blind:
            states[row, :size] = example.words.states[part]
        letters[row, :size], flags[row, :size] = spelt[0][part], spelt[1][part]
        tags[row, :size] = example.tags[part]
    return tuple(torch.from_numpy(one) for one in (states, letters, flags, tags))


def train(examples: Sequence[Example], times: Sequence[int], knobs: argparse.Namespace) -> NameNetwork:
    """A network trained on each example `times` per epoch, texts of like length together."""
    torch.manual_seed(knobs.seed)
    chance = random.Random(knobs.seed)
    network = NameNetwork()
    drawn = [index for index, count in enumerate(times) for _ in range(count)]
    steps = knobs.epochs * (len(drawn) // knobs.batch)
    optimiser = torch.optim.AdamW(network.parameters(), knobs.rate, weight_decay=0.01)
    done, started = 0, time.monotonic()
    for epoch in range(knobs.epochs):
        network.train()
        drawn.sort(key=lambda index: len(examples[index].tags) + 20 * chance.random())
        batches = [drawn[start : start + knobs.batch] for start in range(0, len(drawn), knobs.batch)]
        chance.shuffle(batches)
        total = 0.0
        for chosen in batches:
            for group in optimiser.param_groups:
                group["lr"] = knobs.rate * min(1.0, done / 100) * max(0.02, 1 - done / steps)
            *given, tags = batch_of([examples[index] for index in chosen], chance, knobs)
            logits = network(*given)
            loss = nn.functional.cross_entropy(logits.reshape(-1, len(NAME_TAGS)), tags.reshape(-1))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total += float(loss.detach())
            done += 1
        print(f"epoch {epoch + 1}: loss {total / len(batches):.4f}, {time.monotonic() - started:.0f} s", flush=True)
    return network.eval()


def report(network: NameNetwork, examples: Sequence[Example]) -> None:
    """Precision and recall by source and kind on texts that were held out; a range counts when one touches it."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for example in examples:
        words = example.words
        given = (words.states.astype(np.float32), example.letters, example.flags)
        with torch.no_grad():
            likely = torch.softmax(network(*(torch.from_numpy(one)[None] for one in given))[0], dim=1).numpy()
        found = [(tag.span.start, tag.span.end, tag.kind) for tag in name_tags(words, likely, NAMES)]
        source = example.source.split(":", 1)[1]
        for side, these, those in (("recall", example.ranges, found), ("precision", found, example.ranges)):
            for start, end, kind in these:
                hit = any(a < end and start < b and same(kind, other) for a, b, other in those)
                counts[source, kind, f"{side} {'hit' if hit else 'miss'}"] += 1
    for source, kind in sorted({key[:2] for key in counts}):
        shares = []
        for side in ("precision", "recall"):
            hit, miss = (counts[source, kind, f"{side} {which}"] for which in ("hit", "miss"))
            shares.append(f"{side} {hit / max(1, hit + miss):.3f} of {hit + miss}")
        print(f"  {source:<36}{kind:<14}{', '.join(shares)}")


def same(kind: str, other: str) -> bool:
    """Places and addresses are one kind to the detector."""
    places = ("location", "address")
    return kind == other or (kind in places and other in places)


def write(network: NameNetwork, path: Path) -> None:
    """The network as ONNX, batch and words of any number."""
    given = (
        torch.zeros(1, 5, WIDTH),
        torch.zeros(1, 5, LETTERS, dtype=torch.long),
        torch.zeros(1, 5, FLAGS),
    )
    words = {1: "words"}
    torch.onnx.export(
        network, given, str(path), input_names=["states", "letters", "flags"], output_names=["tags"],
        opset_version=17, dynamo=False, dynamic_axes=dict.fromkeys(("states", "letters", "flags", "tags"), words),
    )  # fmt: skip
    onnx.checker.check_model(str(path))


def main() -> None:
    """Train on what is left when every seventh text is held out, report; train on all, write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"), help="the corpora's folder")
    arguments.add_argument("--out", type=Path, required=True, help="the folder of the shipped files")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--batch", type=int, default=32, help="texts of a step")
    arguments.add_argument("--rate", type=float, default=2e-3)
    arguments.add_argument("--lower", type=float, default=0.12, help="share of texts read in lower case")
    arguments.add_argument("--upper", type=float, default=0.05, help="share of texts read in upper case")
    arguments.add_argument("--blind", type=float, default=0.05, help="share of texts read by their letters alone")
    arguments.add_argument("--leave-out", default="", help="a word; texts of sources with it are only reported on")
    arguments.add_argument("--no-report", action="store_true", help="only the run that ships")
    arguments.add_argument("--seed", type=int, default=20261128)
    knobs = arguments.parse_args()
    torch.set_num_threads(2)
    rows, times = zip(*texts(knobs.data, knobs.seed), strict=True)
    started = time.monotonic()
    pairs = [pair for pair in zip(read_examples(rows, knobs.out), times, strict=True) if pair[0] is not None]
    print(f"{len(pairs)} texts, {time.monotonic() - started:.0f} s", Counter(row["source"] for row in rows), flush=True)
    if not knobs.no_report:
        out = [one for one, _ in pairs if one and held(one, knobs)]
        kept = [(one, count) for one, count in pairs if one and not held(one, knobs)]
        report(train(*zip(*kept, strict=True), knobs), out)  # type: ignore[arg-type]
    if not knobs.leave_out:
        write(train(*zip(*pairs, strict=True), knobs), knobs.out / NAMES_FILE)  # type: ignore[arg-type]
        sign(knobs.out)


def held(example: Example, knobs: argparse.Namespace) -> bool:
    """True for a text to report on."""
    if knobs.leave_out:
        return knobs.leave_out in example.source
    return hashlib.blake2b(example.text.encode("utf-8", "surrogatepass")).digest()[0] % 7 == 0


if __name__ == "__main__":
    main()
