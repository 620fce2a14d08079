"""Source code in texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.model.conversation import TextForm
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorSetting

if TYPE_CHECKING:
    from magika import Magika

MAX_BLOCKS = 12
MAX_READ = 8_192
"""Code points of one block that the model reads."""
FENCE_CONFIDENCE = 0.95

_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)[ \t]*([\w+#.-]{0,20})[^\n`]{0,80}\n", re.MULTILINE)
_FENCE_END = re.compile(r"^[ \t]{0,3}(?:```|~~~)[ \t]*$", re.MULTILINE)
_ALIASES = {
    alias: name
    for name, aliases in {
        "python": ("py", "python3", "ipython"),
        "javascript": ("js", "node", "jsx"),
        "typescript": ("ts", "tsx"),
        "shell": ("sh", "bash", "zsh", "console", "shell-session"),
        "powershell": ("ps1", "pwsh"),
        "cpp": ("c++", "cc"),
        "cs": ("c#", "csharp"),
        "go": ("golang",),
        "ruby": ("rb",),
        "rust": ("rs",),
        "kotlin": ("kt",),
        "hcl": ("tf", "terraform"),
        "sql": ("postgres", "postgresql", "mysql", "plsql"),
        "batch": ("bat", "cmd"),
        "objectivec": ("objective-c",),
        "haskell": ("hs",),
    }.items()
    for alias in aliases
}
_OTHERS = (
    "c java php swift scala perl lua r dart html css vba groovy assembly dockerfile makefile elixir"
    " erlang clojure julia"
    " matlab solidity zig vue scss"
)
_LANGUAGES = frozenset((*_ALIASES.values(), *_OTHERS.split()))
_DATA = "txt unknown empty markdown csv tsv json jsonl yaml ini toml rst xml randomtxt undefined diff log"
_NO_CODE = frozenset((*_DATA.split(), "text", "plain", "plaintext", "output"))
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:import\s+[\w.{*]|from\s+[\w.]+\s+import|def\s+\w+\(|class\s+\w+|function\s+\w+"
    r"|func\s+\w+|fn\s+\w+|pub\s|use\s+\w+::|#include|#!|package\s+\w+|const\s|let\s|var\s|public\s"
    r"|private\s|static\s|return\b|if\s*\(|for\s*\(|while\s*\(|else\b|elif\b|try:|except\b|SELECT\s"
    r"|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|VIEW)|WITH\s+\w+\s+AS"
    r"|\$\s*\w+\s|echo\s|export\s+\w+=|fi$|done$|end$|<\?php|@\w+|\}|print\()"
    r"|\w+\([^()]{0,120}\)\s*[:;{]?\s*$|^\s*[\w.\[\]]+\s*(?:[:+*/|&-]?=)\s*\S|=>|->\s*\w|::\w",
)


class CodeDetector:
    """Source code, fenced or bare, with the name of its language in lower case.

    A fenced block with a language's name is taken at its word, other blocks and what looks like code outside of them
    are read by a small model (magika). At most 12 blocks per text are read. Linear.
    """

    name = "code"
    kinds = frozenset({"CODE"})
    option_names: frozenset[str] = frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """Nothing but the text."""
        return Needs()

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """One finding per block of code, in order."""
        for text in evidence.texts:
            if text.source.form is TextForm.ARGUMENTS:
                continue
            for language, confidence, span in code_blocks(text.normalized.original):
                yield Finding(
                    self.name,
                    "CODE",
                    round(confidence, 3),
                    text.source.path,
                    span,
                    language,
                    evidence={"language": language},
                )


def code_blocks(text: str) -> Iterator[tuple[str, float, Span]]:
    """Language, confidence and range of each block of code in `text`."""
    outside = 0
    blocks = 0
    while blocks < MAX_BLOCKS and (fence := _FENCE.search(text, outside)):
        close = _FENCE_END.search(text, fence.end())
        end = close.start() if close else len(text)
        yield from _bare(text, outside, fence.start())
        yield from _fenced(text, fence.group(1).lower(), Span(fence.end(), end))
        blocks += 1
        outside = close.end() if close else len(text)
    yield from _bare(text, outside, len(text))


def _fenced(text: str, name: str, span: Span) -> Iterator[tuple[str, float, Span]]:
    named = _ALIASES.get(name, name)
    if not text[span.start : span.end].strip():
        return
    if named in _LANGUAGES:
        yield named, FENCE_CONFIDENCE, span
    elif name in _NO_CODE:
        return
    elif found := _read(text[span.start : span.end]):
        yield *found, span


def _bare(text: str, start: int, end: int) -> Iterator[tuple[str, float, Span]]:
    """Code outside of fences: a run of lines that look like code, read as one block."""
    part = text[start : min(end, start + 4 * MAX_READ)]
    if len(part.strip()) < 12:
        return
    lines = part.split("\n")[:2000]
    marked = [bool(_CODE_LINE.search(line[:200])) for line in lines]
    if sum(marked) < 2 and not (len(lines) <= 3 and any(marked) and _ONE_LINER.search(part[:400])):
        return
    first = marked.index(True)
    last = len(marked) - 1 - marked[::-1].index(True)
    chosen = sum(1 for line in lines[first : last + 1] if line.strip())
    if sum(marked[first : last + 1]) * 2 < chosen:
        return
    offset = start + sum(len(line) + 1 for line in lines[:first])
    length = sum(len(line) + 1 for line in lines[first : last + 1]) - 1
    if found := _read(text[offset : offset + length]):
        yield *found, Span(offset, offset + length)


_ONE_LINER = re.compile(
    r"\b(?:SELECT\b.+\bFROM\b|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET)|(?:def|function|fn"
    r"|func)\s+\w+\s*\(|#include|<\?php|=>\s*\{|;\s*$",
    re.IGNORECASE,
)


def _read(block: str) -> tuple[str, float] | None:
    """What the model says of a block; None when it is no code."""
    if len(block.strip()) < 8:
        return None
    result = _model().identify_bytes(block[:MAX_READ].encode("utf-8", "replace"))
    label = str(result.output.label)
    if label in _NO_CODE or str(result.output.group) not in ("code", "text"):
        return None
    return _ALIASES.get(label, label), min(1.0, float(result.score))


@cache
def _model() -> Magika:
    from magika import Magika

    return Magika()
