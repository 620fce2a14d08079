"""Texts as the network's tokens: which piece of a text each token is, and the windows that are read together.

Training and run time share this file, so a change here means a new model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guardhouse.model.conversation import Channel
from guardhouse.model.finding import Span

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WINDOW = 128
"""Tokens of a window, with [CLS] and the channel before and [SEP] behind."""
BODY = WINDOW - 3
STRIDE = 93
"""Tokens from one window's beginning to the next's: what stands across a border stands whole in a neighbour."""
PADDING, BEGIN, END = 0, 101, 102
CHANNELS = (Channel.USER, Channel.TOOL, Channel.DOCUMENT, Channel.SYSTEM, Channel.ASSISTANT)
FIRST_CHANNEL = 1
"""The first of the ids that say by which channel a text came: BERT leaves them unused."""

Ids = NDArray[np.int32]
_NUMBER = re.compile(r"\d[\d .:/()+-]{2,}\d")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's tokens: their ids, where in the text each starts and ends (code points), the number of its word."""

    ids: Ids
    starts: Ids
    ends: Ids
    words: Ids

    def span(self, first: int, last: int) -> Span:
        """The range of the text from token `first` up to and without token `last`."""
        return Span(int(self.starts[first]), int(self.ends[last - 1]))


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, without cutting or padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, text: str) -> Tokens:
    """The tokens of a text, long numbers read as blanks. Linear; about 2 MB a second. Any str, lone surrogates too.

    What a number says of a text's intent is chance: whose card number it is must not sway a verdict. Numbers that
    spell letters are views of their own.
    """
    plain = _NUMBER.sub(lambda match: " " * len(match[0]), text)
    if not plain.isascii():  # the tokenizer takes Unicode scalar values only
        plain = plain.encode("utf-32-le", "surrogatepass").decode("utf-32-le", "replace")
        if len(plain) != len(text):
            plain = "".join(letter if not "\ud800" <= letter <= "\udfff" else "\ufffd" for letter in text)
    encoding = tokenizer.encode(plain, add_special_tokens=False)
    offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    words = np.array(encoding.word_ids, dtype=np.int32)
    return Tokens(np.array(encoding.ids, dtype=np.int32), offsets[:, 0], offsets[:, 1], words)


def long_numbers(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The numbers in `text[start:end]` that `tokenize` reads as blanks."""
    return _NUMBER.finditer(text, start, end)


def token_windows(count: int) -> list[tuple[int, int]]:
    """Ranges of tokens that cover `count` of them, each at most `BODY` long; none for none."""
    if count <= BODY:
        return [(0, count)] if count else []
    starts = list(range(0, count - BODY, STRIDE))
    return [(start, start + BODY) for start in starts] + [(count - BODY, count)]


def window_ids(ids: Ids, channel: Channel) -> list[int]:
    """What the network reads of a window: its tokens between those that frame them."""
    return [BEGIN, FIRST_CHANNEL + CHANNELS.index(channel), *ids.tolist(), END]
