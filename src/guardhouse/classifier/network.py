"""The network at run time: windows of tokens in, logits out, on the thread of the caller."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guardhouse.errors import DeadlineExceeded

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]
WIDTH = 384
"""Numbers in a token's state."""


@dataclass(frozen=True, slots=True)
class WindowReading:
    """One window: logits `heads` by head, `injected` by token; `states` by token and `WIDTH`. The frame is included."""

    heads: Floats
    injected: Floats
    states: Floats


class Network:
    """Reads windows one by one. Safe between threads.

    Windows are not read side by side: activations are quantised by the largest of a whole batch, so a window's logits
    would depend on its neighbours (by up to 0.9), and a verdict on what other callers send. It costs a seventh of the
    speed and makes every verdict repeatable.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def read(self, windows: Sequence[Sequence[int]], *, deadline: float | None = None) -> list[WindowReading]:
        """One reading per window of token ids (framed, at most `WINDOW` long), in order.

        Raises `DeadlineExceeded` past `deadline`, a `time.monotonic()` instant.
        """
        readings = []
        for window in windows:
            if deadline is not None and time.monotonic() > deadline:
                raise DeadlineExceeded("the classifier ran out of time")
            ids = np.array([window], dtype=np.int64)
            heads, injected, states = self._session.run(None, {"ids": ids, "mask": np.ones(ids.shape, np.float32)})
            readings.append(WindowReading(heads[0], injected[0], states[0]))
        return readings


def load_network(path: Path) -> Network:
    """The network of an ONNX file, on one thread of the processor. Takes a quarter of a second."""
    return Network(open_session(path))


def open_session(path: Path) -> InferenceSession:
    """An ONNX file, ready to run on the thread of the caller."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
