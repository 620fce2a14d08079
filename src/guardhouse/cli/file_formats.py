"""The formats of files that are rewritten: what of them is structure, copied as it is, and what is text.

Each function reads a file piece by piece, hands its texts to a `Rewriter` and writes the rest through unchanged, so
that memory is bounded by a window, or by the longest line or string where that is longer, never by the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from guardhouse.cli.root import Failure

BATCH = 64 * 1024
"""Characters of records that are rewritten together."""
MOST_VALUE = 16 * 1024 * 1024
"""Characters of the longest line, string or cell."""
MOST_LEVELS = 200
FORMATS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|"|[\[\]{},]', re.DOTALL)
_CLOSER = {"[": "]", "{": "}"}
_CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
_DATA = re.compile(r"[0-9@]")

Write = Callable[[str], object]


class Malformed(Failure):
    """A file that is not of its format, with the line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


class Rewriter(Protocol):
    """Changes texts: takes something out, or puts it back."""

    def prose(self, source: TextIO, write: Write) -> None:
        """All of `source`, to `write`."""

    def records(self, records: Sequence[str]) -> list[str]:
        """Texts that are JSON, each changed so that it stays JSON."""


def rewrite_text(source: TextIO, write: Write, rewriter: Rewriter) -> None:
    """Plain text, Markdown, and whatever has no format of its own here."""
    rewriter.prose(source, write)


def rewrite_json(source: TextIO, write: Write, rewriter: Rewriter) -> None:
    """One JSON document. A long one is cut at commas; each piece is made whole with the brackets around it."""
    write(_byte_order_mark(source))
    batch = _Batch(rewriter, write)
    for fragment in _fragments(source):
        fragment.check()
        batch.add(fragment.head + fragment.body + fragment.tail, before=len(fragment.head), behind=len(fragment.tail))
        batch.copy(fragment.separator)
    batch.flush()


def rewrite_jsonl(source: TextIO, write: Write, rewriter: Rewriter) -> None:
    """A JSON document a line; lines may be blank."""
    write(_byte_order_mark(source))
    batch = _Batch(rewriter, write)
    for number, line in _lines(source):
        body = line.strip(" \t\r\n")
        if body:
            _Fragment(body, number).check()
            start = line.index(body[0])
            batch.copy(line[:start])
            batch.add(body)
            batch.copy(line[start + len(body) :])
        else:
            batch.copy(line)
    batch.flush()


def rewrite_csv(source: TextIO, write: Write, rewriter: Rewriter) -> None:
    """Cells of CSV (comma, semicolon, tab or bar), each row in the light of the names in the first.

    A cell keeps its quotes; one without gets them where what is put needs them.
    """
    write(_byte_order_mark(source))
    batch = _Batch(rewriter, write)
    names: list[str] | None = None
    for delimiter, row in _rows(source):
        values = [cell.value for cell in row]
        if names is None:
            names = [] if any(map(_DATA.search, values)) else values
            record = json.dumps(values, ensure_ascii=False)
        elif len(names) == len(values):
            record = "{" + ", ".join(f"{_dumped(n)}: {_dumped(v)}" for n, v in zip(names, values, strict=True)) + "}"
        else:
            record = json.dumps(values, ensure_ascii=False)
        batch.add(record, render=_RowWriter(row, delimiter))
    batch.flush()


REWRITERS: dict[str, Callable[[TextIO, Write, Rewriter], None]] = {
    "text": rewrite_text,
    "json": rewrite_json,
    "jsonl": rewrite_jsonl,
    "csv": rewrite_csv,
}


@dataclass(slots=True)
class _Cell:
    value: str
    is_quoted: bool
    raw: str
    end: str = ""


@dataclass(slots=True)
class _RowWriter:
    """Puts the values of a changed record back into their row."""

    row: Sequence[_Cell]
    delimiter: str

    def __call__(self, record: str) -> str:
        read = json.loads(record, object_pairs_hook=lambda pairs: [value for _, value in pairs])
        return "".join(self._written(cell, value) + cell.end for cell, value in zip(self.row, read, strict=True))

    def _written(self, cell: _Cell, value: str) -> str:
        if value == cell.value:
            return cell.raw
        marks = [self.delimiter, "\n", "\r"]
        if '"' not in cell.raw or value.startswith(
            '"'
        ):  # else one like `5" pipe`, which stays as it was without quotes
            marks.append('"')
        if cell.is_quoted or any(mark in value for mark in marks):
            return '"' + value.replace('"', '""') + '"'
        return value


@dataclass(slots=True)
class _Batch:
    """Records and what stands between them, rewritten together once they are many."""

    rewriter: Rewriter
    write: Write
    _records: list[str] = field(default_factory=list)
    _outline: list[str | Callable[[str], str]] = field(default_factory=list)
    _size: int = 0

    def copy(self, text: str) -> None:
        """Structure."""
        self._outline.append(text)
        self._size += len(text)
        if self._size >= BATCH:
            self.flush()

    def add(self, record: str, *, before: int = 0, behind: int = 0, render: Callable[[str], str] | None = None) -> None:
        """A record, of which all but the outer `before` and `behind` characters are written."""
        self._records.append(record)
        self._outline.append(render or (lambda text: text[before : len(text) - behind]))
        self._size += len(record)
        if self._size >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write everything."""
        changed = iter(self.rewriter.records(self._records) if self._records else ())
        for item in self._outline:
            self.write(item if isinstance(item, str) else item(next(changed)))
        self._records, self._outline, self._size = [], [], 0


@dataclass(slots=True)
class _Fragment:
    """A piece of a JSON document: with `head` and `tail`, the brackets that are open around it, a document."""

    body: str
    line: int
    head: str = ""
    tail: str = ""
    separator: str = ""

    def check(self) -> None:
        """Raise `Malformed` where it is not JSON."""
        if self.head and self.body.lstrip()[:1] in ("]", "}"):
            raise Malformed(self.line, "this is not JSON: a comma with nothing behind it")
        try:
            json.loads(self.head + self.body + self.tail, strict=False)
        except json.JSONDecodeError as error:
            at = max(0, error.pos - len(self.head))
            raise Malformed(self.line + self.body.count("\n", 0, at), f"this is not JSON: {error.msg}") from None
        except (ValueError, RecursionError):
            raise Malformed(self.line, "this JSON cannot be read") from None


def _fragments(source: TextIO) -> Iterator[_Fragment]:
    buffer, position, line = "", 0, 1
    stack: list[str] = []
    head = ""
    while data := source.read(max(BATCH, len(buffer))):
        buffer += data
        done = 0
        for match in _TOKEN.finditer(buffer, position):
            mark = match[0]
            position = match.start()
            if mark == '"':  # its end is not here yet
                break
            position = match.end()
            if mark in "[{":
                stack.append(mark)
            elif mark in "]}":
                if not stack or _CLOSER[stack.pop()] != mark:
                    raise Malformed(line + buffer.count("\n", done, position), "this is not JSON: a bracket too many")
            elif mark == "," and stack and position - done >= BATCH:
                body = buffer[done : match.start()]
                yield _Fragment(body, line, head, "".join(_CLOSER[one] for one in reversed(stack)), ",")
                line += body.count("\n")
                head, done = _opened(stack), position
            if len(stack) > MOST_LEVELS:
                raise Malformed(line + buffer.count("\n", done, position), f"nested more than {MOST_LEVELS} levels")
        else:
            position = len(buffer)
        buffer, position = buffer[done:], position - done
        if len(buffer) > MOST_VALUE:
            raise Malformed(line, f"a value of more than {MOST_VALUE} characters")
    if head or buffer.strip():
        yield _Fragment(buffer, line, head)


def _opened(stack: Sequence[str]) -> str:
    """The brackets that lead to the place inside `stack`; only the innermost object gets members of its own."""
    outer = "".join('{"":' if one == "{" else one for one in stack[:-1])
    return outer + stack[-1]


def _lines(source: TextIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := source.readline(MOST_VALUE + 1):
        number += 1
        if len(line) > MOST_VALUE:
            raise Malformed(number, f"a line of more than {MOST_VALUE} characters")
        yield number, line


def _rows(source: TextIO) -> Iterator[tuple[str, list[_Cell]]]:
    """The delimiter and the cells of each row, with the line ends that follow them."""
    delimiter = ""
    row: list[_Cell] = []
    opened: list[str] = []
    size = since = 0
    for number, line in _lines(source):
        delimiter = delimiter or _delimiter(line)
        content = line.rstrip("\r\n")
        position = 0
        while True:
            if opened or content[position : position + 1] == '"':
                begin = position if opened else position + 1
                closing = _CLOSING.match(line, begin)
                opened = opened or ['"']
                since = since or number
                if closing is None:
                    opened.append(line[begin:])
                    size += len(line)
                    if size > MOST_VALUE:
                        raise Malformed(since, f"a cell of more than {MOST_VALUE} characters")
                    break
                raw = "".join([*opened, closing[0]])
                row.append(_Cell(raw[1:-1].replace('""', '"'), True, raw))
                position, opened, size, since = closing.end(), [], 0, 0
                if content[position : position + 1] not in ("", delimiter):
                    raise Malformed(number, "this is not CSV: text behind the closing quote of a cell")
            else:
                end = content.find(delimiter, position)
                end = len(content) if end < 0 else end
                row.append(_Cell(content[position:end], False, content[position:end]))
                position = end
            if position >= len(content):
                row[-1].end = line[len(content) :]
                yield delimiter, row
                row = []
                break
            row[-1].end = delimiter
            position += len(delimiter)
    if opened:
        raise Malformed(since, "this is not CSV: a quote that is never closed")


def _delimiter(line: str) -> str:
    """Of the usual ones, that which stands most often outside the quotes of the first line."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",;\t|", key=bare.count)


def _byte_order_mark(source: TextIO) -> str:
    """The mark, read away, where the source begins with one. The source must be able to go back to its beginning."""
    if source.read(1) == "\ufeff":
        return "\ufeff"
    source.seek(0)
    return ""


def _dumped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
