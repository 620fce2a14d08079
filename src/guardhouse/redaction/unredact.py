"""Putting originals back: in texts, in any JSON document, in streams. One pass, of strings that overlap the longest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.redaction.apply import escaped, is_json
from guardhouse.redaction.context import Context, Entry
from guardhouse.text.spots import PieceReplacer, Spots

MOST_LEVELS = 200
_HTML_SAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class Restorer:
    """The restorable entries of a context, looked up by what was put in their place.

    It notes what it gives out, for the record; not for sharing between threads.
    """

    def __init__(self, context: Context, entries: Iterable[Entry] | None = None) -> None:
        self._context = context
        chosen = context.entries if entries is None else entries
        self._entries = {entry.text: entry for entry in chosen if entry.is_restorable}
        self._prose = Spots(self._entries)
        self._json: tuple[dict[str, tuple[Entry, bool]], Spots] | None = None
        self._given: dict[str, Entry] = {}

    def text(self, text: str) -> str:
        """`text` with its originals; where it is JSON, they are spelled as JSON so that it stays JSON."""
        return self.json_text(text) if is_json(text) else self.prose(text)

    def prose(self, text: str) -> str:
        """`text` with its originals as they are."""
        pieces = self._prose.find(text)
        return "".join(text[start:end] if found is None else self.original(found) for start, end, found in pieces)

    def json_text(self, text: str) -> str:
        """A JSON text with its originals spelled as they were in the JSON they came from, else escaped."""
        spelled, spots = self._json_table()
        pieces = spots.find(text)
        return "".join(
            text[start:end] if found is None else self._spelled(*spelled[found]) for start, end, found in pieces
        )

    def original(self, found: str) -> str:
        """The original of one of the strings that are looked for."""
        return self._give(self._entries[found])

    def document(self, data: Any, *, level: int = 0) -> Any:
        """A JSON document with the originals in all its strings, names of members too; nothing else is changed.

        A number that is one of the replacements whole becomes the number that it stands for. Raises `InvalidInput` for
        a document that is nested more than `MOST_LEVELS` deep.
        """
        if level > MOST_LEVELS:
            raise InvalidInput(f"the document is nested more than {MOST_LEVELS} levels deep")
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list | tuple):
            return [self.document(item, level=level + 1) for item in data]
        if isinstance(data, dict):
            return {
                self.text(name) if isinstance(name, str) else name: self.document(item, level=level + 1)
                for name, item in data.items()
            }
        if isinstance(data, int | float) and not isinstance(data, bool):
            return self._number(data)
        return data

    def originals(self) -> dict[str, str]:
        """All of them, by what was put in their place. Linear in the entries."""
        return {text: self._give(entry) for text, entry in self._entries.items()}

    @property
    def given(self) -> Counter[str]:
        """How many different originals were given out so far, by kind."""
        return Counter(entry.kind for entry in self._given.values())

    @property
    def key(self) -> tuple[str, int]:
        """Id and version of the key that the context was made under."""
        return self._context.keys.key_id, self._context.keys.version

    @property
    def spots(self) -> Spots:
        """What is looked for in prose."""
        return self._prose

    def _number(self, number: float) -> Any:
        entry = self._entries.get(json.dumps(number))
        if entry is None or not entry.is_bare:
            return number
        return json.loads(self._give(entry))

    def _give(self, entry: Entry) -> str:
        self._given[entry.text] = entry
        return self._context.original(entry)

    def _spelled(self, entry: Entry, in_quotes: bool) -> str:
        value = self._give(entry)
        if entry.is_bare:
            return value if in_quotes or entry.shape is not None else escaped(value)
        return entry.raw if entry.raw is not None else escaped(value)

    def _json_table(self) -> tuple[dict[str, tuple[Entry, bool]], Spots]:
        """Every entry in the spellings that writers of JSON use. Made when a JSON text first comes."""
        if self._json is None:
            table: dict[str, tuple[Entry, bool]] = {}
            for entry in self._entries.values():
                plain = escaped(entry.text)
                for spelling in (plain, json.dumps(entry.text)[1:-1], plain.translate(_HTML_SAFE)):
                    table.setdefault(spelling, (entry, False))
                    if entry.is_bare and entry.shape is None:  # what was a number had to be put in quotes
                        table.setdefault(f'"{spelling}"', (entry, True))
            self._json = table, Spots(table)
        return self._json


class Unredactor(PieceReplacer):
    """Puts originals back into a text that comes in pieces, wherever it is cut.

    Feed it the pieces in order, then call `finish`; the answers joined are what `Guard.unredact` gives for the whole
    as prose. At most as much is held back as a replacement is long. Not for sharing between threads.
    """

    def __init__(self, context: Context) -> None:
        self._restorer = Restorer(context)
        super().__init__(self._restorer.spots, self._restorer.original)

    def whole(self, text: str) -> str:
        """A text that comes whole, apart from the pieces; what is JSON stays JSON."""
        return self._restorer.text(text)
