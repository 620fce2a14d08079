"""Fit each head's confidence on sources it was not trained on, then write the model into the package.

    python training/calibrate.py --rows ROWS --full full.npz --held-out without-*.npz \\
        --out src/guardhouse/classifier/data

Platt's method: log odds = slope * margin + offset - per_doubling * log2(windows), by maximum likelihood over the rows
that the held-out models never saw, with positives weighed to a share that is the head's (`SHARES`): a guard sees far
more harmless text than attacks, and the rarer a harm and the fewer its examples, the more evidence 0.5 has to stand
for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from heads import ATTACK, HEADS, KINDS, TOPICS
from numpy.typing import NDArray
from scipy.optimize import minimize
from train import Examples, Floats, load_examples

from guardhouse.classifier.features import CHAR_SIZES, CHAR_WEIGHT, FEATURES, STRIDE, WHOLE, WINDOW, WORD_FEATURES

SHARES = {
    **dict.fromkeys((ATTACK, *KINDS), 0.17),
    **dict.fromkeys(("hate", "harassment", "profanity", "toxicity", "gibberish"), 0.2),
    **dict.fromkeys(("sexual", "violence", "self_harm", "criminal", "weapons"), 0.06),
    **dict.fromkeys((*TOPICS, "sentiment_negative"), 0.1),
}
"""Positives' part of the weight, by head: the harmless texts of the corpora are tamer than what a guard meets."""
COLUMNS = 32
"""Columns in the file: heads and zeros, so that a row is half a cache line."""


def held_out_margins(paths: list[Path]) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Row numbers, best margins and window counts of all held-out runs together."""
    parts = [np.load(path) for path in paths]
    return tuple(np.concatenate([part[name] for part in parts]) for name in ("rows", "margins", "counts"))  # type: ignore[return-value]


def fit_head(margin: Floats, doublings: Floats, target: Floats, weight: Floats) -> tuple[float, float, float]:
    """Slope, offset and price per doubling of the number of windows."""
    centre, spread = float(margin.mean()), float(margin.std()) or 1.0
    scaled = (margin - centre) / spread

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offset, price = given
        odds = slope * scaled + offset - price * doublings
        error = weight * (1 / (1 + np.exp(-np.clip(odds, -40, 40))) - target)
        value = float((weight * np.logaddexp(0, (1 - 2 * target) * odds)).sum())
        return value, np.array([(error * scaled).sum(), error.sum(), -(error * doublings).sum()])

    found = minimize(loss, np.array([1.0, 0.0, 0.1]), jac=True, bounds=[(0.05, 50), (-50, 50), (0.0, 2.0)]).x
    return float(found[0] / spread), float(found[1] - found[0] * centre / spread), float(found[2])


def calibration(examples: Examples, paths: list[Path]) -> list[dict[str, float]]:
    """One line of Platt per head, with the error that is left."""
    rows, margins, counts = held_out_margins(paths)
    doublings = np.log2(counts).astype(np.float32)
    lines = []
    for column, head in enumerate(HEADS):
        seen = examples.judged[rows, column] > 0
        target = examples.labels[rows, column][seen]
        weight = examples.weights[rows][seen].astype(np.float64)
        share = SHARES[head]
        weight[target > 0] *= share / weight[target > 0].sum()
        weight[target == 0] *= (1 - share) / weight[target == 0].sum()
        weight *= len(weight)
        slope, offset, price = fit_head(margins[seen, column], doublings[seen], target, weight)
        odds = slope * margins[seen, column] + offset - price * doublings[seen]
        caught = float((weight * (odds > 0) * target).sum() / (weight * target).sum())
        false = float((weight * (odds > 0) * (1 - target)).sum() / (weight * (1 - target)).sum())
        line = {"slope": slope, "offset": offset, "per_doubling": price}
        lines.append({name: round(value, 6) for name, value in line.items()})
        print(f"{head:28} positives {int(target.sum()):6}", *(f"{name} {value:.3f}" for name, value in line.items()))
        print(f"    unseen: caught {caught:.3f} false alarms {false:.4f} error {ece(odds, target, weight):.3f}")
    return lines


def ece(odds: Floats, target: Floats, weight: Floats) -> float:
    """Expected calibration error over ten bins of confidence."""
    confidence = 1 / (1 + np.exp(-np.clip(odds, -40, 40)))
    bins = np.minimum((confidence * 10).astype(int), 9)
    total = 0.0
    for index in range(10):
        inside = bins == index
        if weight[inside].sum() > 0:
            total += abs(float((weight[inside] * (confidence[inside] - target[inside])).sum()))
    return total / float(weight.sum())


def quantized(weights: Floats) -> tuple[NDArray[np.int8], list[float]]:
    """Weights as 8-bit numbers and the scale of each head; a few outliers in 10,000 are cut."""
    folded = weights.copy()
    folded[WORD_FEATURES:] *= CHAR_WEIGHT
    scales = np.maximum(np.quantile(np.abs(folded), 0.9998, axis=0) / 127, 1e-8)
    table = np.zeros((FEATURES, COLUMNS), dtype=np.int8)
    table[:, : weights.shape[1]] = np.clip(np.round(folded / scales), -127, 127)
    return table, [round(float(scale), 9) for scale in scales]


def main() -> None:
    """Calibrate, quantise, write weights and card."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=Path, required=True)
    arguments.add_argument("--full", type=Path, required=True, help="weights trained on all rows")
    arguments.add_argument("--held-out", type=Path, nargs="+", required=True, help="runs with --leave-out")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--version", default="1")
    options = arguments.parse_args()
    examples = load_examples(options.rows, cache=options.rows.with_suffix(".features.npz"))
    lines = calibration(examples, options.held_out)
    with np.load(options.full) as full:
        table, scales = quantized(full["weights"])
        biases = [round(float(bias), 6) for bias in full["biases"]]
    options.out.mkdir(parents=True, exist_ok=True)
    weights_file = options.out / "ngram.npy"
    np.save(weights_file, table)
    digest = hashlib.sha256(weights_file.read_bytes()).hexdigest()
    positives = {head: int(examples.labels[:, column].sum()) for column, head in enumerate(HEADS)}
    card: dict[str, Any] = {
        "name": f"ngram-{options.version}-{digest[:8]}",
        "what": "logistic regression over hashed word and character n-grams, one column of 8-bit weights per head",
        "sha256": digest,
        "features": {
            "words": WORD_FEATURES, "chars": FEATURES - WORD_FEATURES, "char_sizes": CHAR_SIZES,
            "char_weight": CHAR_WEIGHT, "window": WINDOW, "stride": STRIDE, "whole": WHOLE,
        },
        "heads": HEADS,
        "scales": scales,
        "biases": biases,
        "calibration": lines,
        "calibrated_on": "rows of source groups that the model of that fold was not trained on",
        "positive_shares": SHARES,
        "seed": 7,
        "training": {
            "texts": len(examples.weights), "windows": int(examples.matrix.shape[0]), "positives": positives,
            "sources": dict(sorted(Counter(re.split("[(:]", str(source))[0] for source in examples.sources).items())),
        },
    }  # fmt: skip
    (options.out / "ngram.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print("wrote", weights_file, weights_file.stat().st_size, "bytes", card["name"])


if __name__ == "__main__":
    main()
