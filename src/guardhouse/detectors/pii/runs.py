"""Runs of digits with separators between them, and the groups they fall into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_GROUP = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Run:
    """Digits in groups. `gaps[i]` is what stands between group `i` and the next one."""

    text: str
    groups: tuple[tuple[int, int], ...]
    gaps: tuple[str, ...]

    def digits(self, first: int, last: int) -> str:
        """The digits of the groups `first` to `last`, both included."""
        return "".join([self.text[start:end] for start, end in self.groups[first : last + 1]])

    def lengths(self) -> tuple[int, ...]:
        """How many digits each group has."""
        return tuple([end - start for start, end in self.groups])


def read_run(text: str) -> Run:
    """`text` cut into its groups of ASCII digits."""
    groups = tuple([match.span() for match in _GROUP.finditer(text)])
    gaps = tuple([text[before[1] : after[0]] for before, after in pairwise(groups)])
    return Run(text, groups, gaps)
