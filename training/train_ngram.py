"""Train all heads together: logistic regression over hashed n-grams, in rounds that choose windows.

    python training/train_ngram.py --rows /tmp/guardhouse-training/rows.jsonl.gz --out /tmp/guardhouse-training/full.npz

Where in a long attack the attack stands is not labelled. So each round reads every window with the weights so far:
of an attack the highest windows are kept as attacks, of a harmless text the highest and one at random as harmless.
With `--leave-out GROUP` that group's rows (attacks and its share of harmless ones) are not trained on but read
afterwards, and their margins are written too: the only honest guess at what unseen sources look like.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from heads import ATTACK, HEADS
from numpy.typing import NDArray
from scipy import sparse

from guardhouse.classifier.features import CHAR_WEIGHT, FEATURES, WORD_FEATURES, fold, window_features, windows
from guardhouse.model.conversation import Channel
from guardhouse.text.normalize import normalize

Floats = NDArray[np.float32]
MOST_WINDOWS = 16
"""Windows of one text that training reads; longer texts are thinned evenly."""


@dataclass
class Examples:
    """Windows as a sparse matrix, and for each row of text its range of windows."""

    matrix: sparse.csr_matrix
    first: NDArray[np.int64]
    labels: Floats
    judged: Floats
    weights: Floats
    groups: NDArray[np.str_]
    sources: NDArray[np.str_]
    names: NDArray[np.str_]


def load_examples(path: Path, *, cache: Path | None = None) -> Examples:
    """The rows of prepare.py, normalised and hashed. A quarter of a millisecond per KB; kept in `cache`."""
    if cache is not None and cache.exists() and cache.stat().st_mtime > path.stat().st_mtime:
        return _load_cached(cache)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    indices, sizes, scales, first = [], [], [], [0]
    for row in rows:
        folded = fold(normalize(row["text"]).canonical.text)
        ranges = windows(folded)
        if len(ranges) > MOST_WINDOWS:
            ranges = [ranges[round(index * (len(ranges) - 1) / (MOST_WINDOWS - 1))] for index in range(MOST_WINDOWS)]
        for numbers, length in window_features(folded, ranges, Channel(row["channel"])):
            indices.append(numbers.astype(np.int32))
            sizes.append(len(numbers))
            scales.append(1.0 / length)
        first.append(len(sizes))
    labels = np.zeros((len(rows), len(HEADS)), dtype=np.float32)
    judged = np.zeros((len(rows), len(HEADS)), dtype=np.float32)
    for index, row in enumerate(rows):
        for head, value in row["labels"].items():
            labels[index, HEADS.index(head)] = value
            judged[index, HEADS.index(head)] = 1
    columns = np.concatenate(indices)
    pointers = np.concatenate([[0], np.cumsum(sizes)])
    values = np.repeat(np.array(scales, dtype=np.float32), sizes)
    values[columns >= WORD_FEATURES] *= CHAR_WEIGHT
    matrix = sparse.csr_matrix((values, columns, pointers), shape=(len(sizes), FEATURES))
    examples = Examples(
        matrix, np.array(first), labels, judged, np.array([row["weight"] for row in rows], dtype=np.float32),
        np.array([row["group"] for row in rows]), np.array([row["source"] for row in rows]),
        np.array([row["label"] for row in rows]),
    )  # fmt: skip
    if cache is not None:
        _save_cached(cache, examples)
    return examples


def _save_cached(path: Path, examples: Examples) -> None:
    fields = {name: value for name, value in vars(examples).items() if name != "matrix"}
    np.savez(path, indices=examples.matrix.indices, data=examples.matrix.data, indptr=examples.matrix.indptr, **fields)


def _load_cached(path: Path) -> Examples:
    with np.load(path) as kept:
        matrix = sparse.csr_matrix(
            (kept["data"], kept["indices"], kept["indptr"]), shape=(len(kept["indptr"]) - 1, FEATURES)
        )
        return Examples(matrix, *(kept[name] for name in list(Examples.__dataclass_fields__)[1:]))


@dataclass(frozen=True)
class Knobs:
    """What a run may vary."""

    epochs: tuple[int, ...]
    """Passes in each round."""
    rate: float = 60.0
    momentum: float = 0.9
    decay: float = 1e-6
    batch: int = 512
    seed: int = 7
    heads: int = len(HEADS)
    most_weight: float = 20.0
    """A row's weight is cut at this many times the mean."""
    rare: float = 4.0
    """The most that a rare head's positives are weighed up."""


@dataclass
class Model:
    """Weights in feature by head order, and biases."""

    weights: Floats
    biases: Floats

    def margins(self, matrix: sparse.csr_matrix) -> Floats:
        """Raw margins, windows by heads."""
        return np.asarray(matrix @ self.weights) + self.biases


def train(examples: Examples, rows: NDArray[np.int64], knobs: Knobs) -> Model:
    """A model from those rows of text.

    Plain gradient descent with momentum and a falling rate: on unseen sources it beat AdaGrad (which trusts rare
    features too much) and came near L-BFGS at a fifth of its time; see LOG.md.
    """
    chance = np.random.default_rng(knobs.seed)
    model = Model(np.zeros((FEATURES, knobs.heads), dtype=np.float32), np.zeros(knobs.heads, dtype=np.float32))
    speed, bias_speed = np.zeros_like(model.weights), np.zeros_like(model.biases)
    lift = rare_lift(examples, rows, knobs)
    step, steps = 0, 0
    for turn, epochs in enumerate(knobs.epochs):
        chosen, owners, shares = choose_windows(examples, rows, model if turn else None, chance)
        steps = steps or sum(knobs.epochs) * -(-len(chosen) // knobs.batch)
        weights = examples.weights[owners] * shares
        weights = np.minimum(weights / weights.mean(), knobs.most_weight).astype(np.float32)
        for epoch in range(epochs):
            order = chance.permutation(len(chosen))
            loss = 0.0
            for start in range(0, len(order), knobs.batch):
                part = order[start : start + knobs.batch]
                block, own = examples.matrix[chosen[part]], owners[part]
                target = examples.labels[own, : knobs.heads]
                mask = examples.judged[own, : knobs.heads] * weights[part][:, None] * (1 + target * (lift - 1))
                margin = model.margins(block)
                loss += float((mask * np.logaddexp(0, (1 - 2 * target) * margin))[:, 0].sum())
                gradient = mask * (1 / (1 + np.exp(-np.clip(margin, -30, 30))) - target) / len(part)
                warm = min(1.0, (step + 1) / 50)
                rate = knobs.rate * warm * max(0.05, 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps))))
                speed *= knobs.momentum
                speed -= rate * (np.asarray(block.T @ gradient) + knobs.decay * model.weights)
                model.weights += speed
                bias_speed = knobs.momentum * bias_speed - 0.03 * rate * gradient.sum(axis=0)
                model.biases += bias_speed
                step += 1
            print(f"  round {turn} epoch {epoch} windows {len(order)} attack loss {loss / len(order):.4f}", flush=True)
    return model


def rare_lift(examples: Examples, rows: NDArray[np.int64], knobs: Knobs) -> Floats:
    """By head the factor for positives: rare kinds would else be drowned; the attack head keeps its balance."""
    weights = examples.weights[rows][:, None] * examples.judged[rows, : knobs.heads]
    positive = (weights * examples.labels[rows, : knobs.heads]).sum(axis=0)
    negative = weights.sum(axis=0) - positive
    lift = np.clip(0.35 * negative / np.maximum(positive, 1e-6), 1.0, knobs.rare)
    lift[0] = 1.0
    return lift.astype(np.float32)


def choose_windows(
    examples: Examples, rows: NDArray[np.int64], model: Model | None, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The windows to train on in this round, the row of text each belongs to, and its share of the row's weight."""
    positive = examples.labels[:, 0] > 0
    chosen, owners, shares = [], [], []
    first = examples.first
    scores = None
    if model is not None:
        attack = Model(np.ascontiguousarray(model.weights[:, :1]), model.biases[:1])
        scores = attack.margins(examples.matrix)[:, 0]
    for row in rows:
        start, end = int(first[row]), int(first[row + 1])
        if end - start == 1:
            take, share = [start], [1.0]
        elif scores is None:
            count = min(4, end - start)
            take = list(start + chance.permutation(end - start)[:count])
            share = [1.0 / count] * count
        elif positive[row]:
            ranked = start + np.argsort(-scores[start:end])
            take = list(ranked[:1]) + [index for index in ranked[1:3] if scores[index] > 0.7 * scores[ranked[0]] > 0]
            share = [1.0 / len(take)] * len(take)
        else:
            ranked = start + np.argsort(-scores[start:end])
            take = [*ranked[:2], int(chance.integers(start, end))]
            share = [0.6, 0.4, 0.3]
        chosen += take
        owners += [row] * len(take)
        shares += share
    return np.array(chosen), np.array(owners), np.array(shares, dtype=np.float32)


def best_margins(examples: Examples, rows: NDArray[np.int64], model: Model) -> tuple[Floats, NDArray[np.int64]]:
    """For each row of text the highest margin of its windows, by head, and how many windows it has."""
    out = np.empty((len(rows), model.weights.shape[1]), dtype=np.float32)
    counts = np.empty(len(rows), dtype=np.int64)
    for index, row in enumerate(rows):
        start, end = examples.first[row], examples.first[row + 1]
        out[index] = model.margins(examples.matrix[start:end]).max(axis=0)
        counts[index] = end - start
    return out, counts


def best_margins_of(examples: Examples, rows: Sequence[int], weights: Path) -> tuple[Floats, NDArray[np.int64]]:
    """`best_margins` of those rows under the weights that an earlier run wrote."""
    with np.load(weights) as kept:
        return best_margins(examples, np.array(rows), Model(kept["weights"], kept["biases"]))


def report(labels: Floats, margins: Floats) -> str:
    """AUC and recall at fixed false positives of the attack head."""
    attacks, clean = margins[labels > 0], np.sort(margins[labels == 0])
    if not len(attacks) or not len(clean):
        return "one class only"
    below = np.searchsorted(clean, attacks, side="left") + np.searchsorted(clean, attacks, side="right")
    auc = float(below.mean() / (2 * len(clean)))
    recalls = [float((attacks > clean[int(len(clean) * (1 - rate)) - 1]).mean()) for rate in (0.05, 0.01, 0.002)]
    return f"AUC {auc:.3f}  recall at 5 / 1 / 0.2 % false alarms " + " / ".join(f"{value:.3f}" for value in recalls)


def main(given: Sequence[str] | None = None) -> None:
    """Train, report on what was left out, write the weights."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=Path, required=True, help="rows.jsonl.gz of prepare.py")
    arguments.add_argument("--out", type=Path, required=True, help="the .npz to write")
    arguments.add_argument("--leave-out", default="", help="groups of prepare.py to hold out, comma-separated")
    arguments.add_argument("--epochs", default="4,4,5", help="passes in each round, comma-separated")
    arguments.add_argument("--part", type=float, default=1.0, help="train on this part of the rows only")
    for name in ("rate", "momentum", "decay", "batch", "seed", "rare"):
        value = Knobs.__dataclass_fields__[name].default
        arguments.add_argument(f"--{name}", type=type(value), default=value)
    options = arguments.parse_args(given)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    begun = time.monotonic()
    examples = load_examples(options.rows, cache=options.rows.with_suffix(".features.npz"))
    print(
        f"{len(examples.weights)} texts, {examples.matrix.shape[0]} windows, {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    held = np.isin(examples.groups, options.leave_out.split(","))
    kept = np.flatnonzero(~held)
    if options.part < 1:
        kept = np.random.default_rng(1).permutation(kept)[: int(options.part * len(kept))]
    names = ("rate", "momentum", "decay", "batch", "seed", "rare")
    knobs = Knobs(epochs=tuple(map(int, options.epochs.split(","))), **{name: getattr(options, name) for name in names})
    model = train(examples, kept, knobs)
    extra: dict[str, Any] = {}
    if options.leave_out:
        rows = np.flatnonzero(held)
        margins, counts = best_margins(examples, rows, model)
        judged = examples.judged[rows, HEADS.index(ATTACK)] > 0
        print(options.leave_out, report(examples.labels[rows, 0][judged], margins[judged, 0]), flush=True)
        extra = {"rows": rows, "margins": margins, "counts": counts}
    np.savez(options.out, weights=model.weights, biases=model.biases, **extra)
    print(f"done in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
