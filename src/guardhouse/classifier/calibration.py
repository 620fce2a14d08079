"""From what the two models say to one calibrated confidence per head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_FIELDS = ("network", "words", "offset", "per_doubling")
_ALONE = ("words_alone", "offset_alone", "brevity")


class Calibration:
    """Log odds of every head: a sum of the network's logit and the n-gram model's margin, fitted on unseen sources.

    `network * logit + words * margin + offset - per_doubling * log2(windows)`; where the network read nothing of a text
    `words_alone * margin + offset_alone - ...`. The price per doubling pays for the best of many windows; `brevity` is
    taken off for each word that a text has fewer than three: a file's name is little to judge by.
    """

    def __init__(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self._columns = {name: np.array([line[name] for line in lines]) for name in (*_FIELDS, *_ALONE)}

    def confidences(self, network: Floats | None, words: Floats, windows: int, *, missing: int = 0) -> Floats:
        """By head, 0 to 1. `network` and `words` are the best of the windows, by head.

        `missing` is how many words the text has fewer than three.
        """
        column = self._columns
        if network is None:
            odds = column["words_alone"] * words + column["offset_alone"]
        else:
            odds = column["network"] * network + column["words"] * words + column["offset"]
        odds = odds - column["per_doubling"] * np.log2(max(1, windows)) - column["brevity"] * missing
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -50, 50))), dtype=np.float32)
