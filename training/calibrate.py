"""Fit each head's confidence on sources that neither model was trained on, then write card and n-gram weights.

    python training/calibrate.py --rows ROWS --network held-out.pt --words held-out.npz --leave-out GROUPS \\
        --final network.pt --full full.npz --out src/guardhouse/classifier/data

Log odds = network * logit + words * margin + offset - per_doubling * log2(windows), by maximum likelihood over rows of
the groups left out, with positives weighed to a share that is the head's (`SHARES`): a guard sees far more harmless
text than attacks, and the rarer a harm and the fewer its examples, the more evidence 0.5 has to stand for. The final
network was trained longer, so its logits are further apart than the held-out one's: they are brought to the same
spread, as seen on texts that neither knows (`--unseen`, labels unread).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from card import signature
from heads import ATTACK, HEADS, KINDS, TOPICS
from network import NAMES, Network
from numpy.typing import NDArray
from scipy.optimize import minimize
from train import Example, load_examples, read
from train_ngram import Floats, best_margins_of
from train_ngram import load_examples as load_ngrams

from guardhouse.classifier.features import CHAR_SIZES, CHAR_WEIGHT, FEATURES, STRIDE, WHOLE, WINDOW, WORD_FEATURES
from guardhouse.classifier.load import CARD, WORDS

SHARES = {
    ATTACK: 0.25,
    **dict.fromkeys(KINDS, 0.2),
    **dict.fromkeys(("hate", "harassment", "profanity", "toxicity", "gibberish"), 0.2),
    **dict.fromkeys(("sexual", "violence", "criminal"), 0.08),
    **dict.fromkeys(("self_harm", "weapons"), 0.04),
    **dict.fromkeys(TOPICS, 0.02),
    "sentiment_negative": 0.1,
}
"""Positives' part of the weight, by head: the harmless texts of the corpora are tamer than what a guard meets."""
BREVITY = 1.5
"""Log odds taken off an attack for each word that a text has fewer than three."""
COLUMNS = 32
"""Columns in the file: heads and zeros, so that a row is half a cache line."""
RARE = 200
"""Heads with at most so many positives in the groups left out keep them all."""
DEAREST_DOUBLING = 0.3
"""The most that a doubling of a text's windows may cost in log odds: an order in a long text must still count."""


def sample(examples: Sequence[Example], left_out: set[str], size: int) -> list[Example]:
    """Rows of the groups left out, each as likely as its weight, none twice; all that show what is rare come first."""
    held = [example for example in examples if example.group in left_out and example.labels]
    positives = Counter(head for example in held for head, value in example.labels.items() if value)
    weights = np.array([example.weight for example in held])
    keys = np.random.default_rng(7).exponential(size=len(held)) / weights
    for index, example in enumerate(held):
        if any(value and positives[head] <= RARE for head, value in example.labels.items()):
            keys[index] = 0.0
    return [held[index] for index in np.argsort(keys, kind="stable")[:size]]


def fit(columns: NDArray[np.float64], target: Floats, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A factor of at least 0 for each column and an offset, by maximum likelihood with a light pull to 0.

    The last column is that of doublings, whose factor is bounded.
    """
    centre, spread = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-6)
    scaled = (columns - centre) / spread

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = scaled @ given[:-1] + given[-1]
        error = weight * (1 / (1 + np.exp(-np.clip(odds, -40, 40))) - target)
        value = float((weight * np.logaddexp(0, (1 - 2 * target) * odds)).sum() + 0.5 * (given[:-1] ** 2).sum())
        return value, np.append(scaled.T @ error + given[:-1], error.sum())

    dearest = DEAREST_DOUBLING * float(spread[-1])
    bounds = [(0.0, 50.0)] * (columns.shape[1] - 1) + [(0.0, dearest), (-50.0, 50.0)]
    found = minimize(loss, np.append(np.full(columns.shape[1], 0.01), 0.0), jac=True, bounds=bounds).x
    factors = found[:-1] / spread
    return np.append(factors, found[-1] - factors @ centre)


def fit_heads(
    rows: Sequence[Example], network: Floats, words: Floats, counts: NDArray[np.int64]
) -> list[dict[str, float]]:
    """One line per head, with what is caught and what is not on the rows it was fitted on."""
    lines = []
    doublings = -np.log2(np.maximum(counts, 1)).astype(np.float64)
    for column, head in enumerate(HEADS):
        seen = np.array([column in row.labels for row in rows])
        target = np.array([row.labels.get(column, 0.0) for row in rows], dtype=np.float32)[seen]
        weight = np.where(target > 0, SHARES[head] / max(target.sum(), 1), (1 - SHARES[head]) / (target == 0).sum())
        weight = weight * len(target)
        both = np.stack([network[seen, column], words[seen, column], doublings[seen]], axis=1).astype(np.float64)
        together = fit(both, target, weight)
        alone = fit(both[:, 1:], target, weight)
        line = dict(zip(("network", "words", "per_doubling", "offset"), together.tolist(), strict=True))
        line |= {"words_alone": float(alone[0]), "offset_alone": float(alone[2])}
        line["brevity"] = BREVITY if head in (ATTACK, *KINDS) else 0.0
        lines.append({name: round(value, 5) for name, value in line.items()})
        odds = both @ together[:3] + together[3]
        print(
            f"{head:28} positives {int(target.sum()):5} AUC network {area(both[:, 0], target):.3f} words "
            f"{area(both[:, 1], target):.3f} both {area(odds, target):.3f} caught {(odds[target > 0] > 0).mean():.3f} "
            f"false {(odds[target == 0] > 0).mean():.4f} error {calibration_error(odds, target, weight):.3f} {line}"
        )
    return lines


def area(values: NDArray[np.float64], target: Floats) -> float:
    """Area under the curve."""
    positive, negative = values[target > 0], np.sort(values[target == 0])
    if not len(positive) or not len(negative):
        return float("nan")
    below = np.searchsorted(negative, positive, side="left") + np.searchsorted(negative, positive, side="right")
    return float(below.mean() / (2 * len(negative)))


def calibration_error(odds: NDArray[np.float64], target: Floats, weight: NDArray[np.float64]) -> float:
    """Expected calibration error over ten bins of confidence."""
    confidence = 1 / (1 + np.exp(-np.clip(odds, -40, 40)))
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [abs(float((weight * (confidence - target))[bins == index].sum())) for index in range(10)]
    return sum(gaps) / float(weight.sum())


def quantized(weights: Floats) -> tuple[NDArray[np.int8], list[float]]:
    """The n-gram model's weights as 8-bit numbers and the scale of each head; a few outliers in 10,000 are cut."""
    folded = weights.copy()
    folded[WORD_FEATURES:] *= CHAR_WEIGHT
    scales = np.maximum(np.quantile(np.abs(folded), 0.9998, axis=0) / 127, 1e-8)
    table = np.zeros((FEATURES, COLUMNS), dtype=np.int8)
    table[:, : weights.shape[1]] = np.clip(np.round(folded / scales), -127, 127)
    return table, [round(float(scale), 9) for scale in scales]


def load_network(path: Path) -> Network:
    """A checkpoint's network."""
    saved = torch.load(path, weights_only=True)
    network = Network(saved["layers"])
    network.load_state_dict(saved["weights"])
    return network.eval()


def spread_ratio(first: Network, second: Network, unseen: Sequence[Example]) -> NDArray[np.float64]:
    """By head how far apart the first network's logits of unseen texts are beside the second's."""
    spreads = [read(network, unseen, most_windows=4)[0].std(axis=0) for network in (first, second)]
    return np.clip(spreads[0] / np.maximum(spreads[1], 1e-3), 0.5, 1.5).astype(np.float64)


def main() -> None:
    """Calibrate, quantise the n-gram model, write weights and card. The network's files must stand there already."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=Path, required=True)
    arguments.add_argument("--network", type=Path, required=True, help="checkpoint trained without the groups")
    arguments.add_argument("--words", type=Path, required=True, help="n-gram run without the groups")
    arguments.add_argument("--leave-out", required=True, help="the groups, comma-separated")
    arguments.add_argument("--final", type=Path, required=True, help="checkpoint that ships")
    arguments.add_argument("--full", type=Path, required=True, help="n-gram weights that ship")
    arguments.add_argument("--unseen", type=Path, required=True, help="rows that no run knows; labels unread")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--base", type=Path, required=True, help="folder of MiniLM")
    arguments.add_argument("--size", type=int, default=8000)
    arguments.add_argument("--version", default="2")
    options = arguments.parse_args()
    torch.set_num_threads(2)
    examples = load_examples(options.rows, options.base / "tokenizer.json")
    rows = sample(examples, set(options.leave_out.split(",")), options.size)
    held = load_network(options.network)
    logits, _ = read(held, rows, most_windows=12)
    ngrams = load_ngrams(options.rows, cache=options.rows.with_suffix(".features.npz"))
    margins, counts = best_margins_of(ngrams, [row.number for row in rows], options.words)
    lines = fit_heads(rows, logits, margins, counts)
    ratio = spread_ratio(
        held, load_network(options.final), load_examples(options.unseen, options.base / "tokenizer.json")
    )
    print("spread of the held-out network's logits beside the final one's", ratio.round(2).tolist())
    for line, factor in zip(lines, ratio, strict=True):
        line["network"] = round(line["network"] * float(factor), 5)
    write(options.out, lines, options.full, examples, options.version)


def write(out: Path, lines: list[dict[str, float]], full: Path, examples: Sequence[Example], version: str) -> None:
    """The n-gram weights and the card."""
    with np.load(full) as weights:
        table, scales = quantized(weights["weights"])
        biases = [round(float(bias), 6) for bias in weights["biases"]]
    np.save(out / WORDS, table)
    positives = {head: sum(row.labels.get(column) == 1.0 for row in examples) for column, head in enumerate(HEADS)}
    card: dict[str, Any] = {
        **signature(out, version),
        "what": "a four-layer BERT from MiniLM's weights (Apache-2.0) beside a linear model over hashed n-grams",
        "heads": HEADS,
        "tags": NAMES,
        "words": {
            "scales": scales, "biases": biases, "words": WORD_FEATURES, "chars": FEATURES - WORD_FEATURES,
            "char_sizes": CHAR_SIZES, "char_weight": CHAR_WEIGHT, "window": WINDOW, "stride": STRIDE, "whole": WHOLE,
        },
        "calibration": lines,
        "calibrated_on": "rows of source groups that neither model was trained on",
        "positive_shares": SHARES,
        "training": {
            "texts": len(examples), "positives": positives,
            "sources": dict(sorted(Counter(re.split("[(:]", row.source)[0] for row in examples).items())),
        },
    }  # fmt: skip
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print("wrote", card["name"])


if __name__ == "__main__":
    main()
