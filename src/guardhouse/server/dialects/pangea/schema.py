"""Reading foreign JSON by the vendor's schema: every mistake is collected, with the vendor's code and its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import Path
from guardhouse.server.dialects.nesting import MOST_LEVELS, is_deep

MOST_PROBLEMS = 50
"""More mistakes than these are counted as seen: an answer stays small whatever was sent."""

_TYPE_CODES = {
    "string": "InvalidString",
    "object": "InvalidObject",
    "array": "InvalidArray",
    "number": "InvalidNumber",
    "integer": "InvalidInteger",
    "boolean": "InvalidBool",
    "string or array": "InvalidString",
}
_CODES = {
    "bad_format": "BadFormat",
    "missing": "FieldRequired",
    "empty": "BelowMinLength",
    "unknown_member": "UnexpectedProperty",
    "not_in_enum": "NotEnumMember",
    "out_of_range": "NotWithinRange",
    "too_long": "AboveMaxLength",
    "conflict": "MutuallyExclusive",
}
_UNREADABLE = frozenset({"empty", "out_of_range"})
"""Of the whole body these say that it is no JSON."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the request, in the vendor's words."""

    code: str
    detail: str
    path: Path = ()

    def as_dict(self) -> dict[str, str]:
        """An item of `result.errors`."""
        return {"code": self.code, "detail": self.detail, "source": json_pointer(self.path)}


class ValidationFailed(InvalidInput):
    """The request does not fit the schema; `problems` says where."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.detail, path=first.path)
        self.problems = tuple(problems)


def problems_of(error: InvalidInput) -> tuple[Problem, ...]:
    """The mistakes that any `InvalidInput` stands for."""
    if isinstance(error, ValidationFailed):
        return error.problems
    code = _TYPE_CODES.get(error.expected, "BadFormat") if error.code == "wrong_type" else _CODES[error.code]
    if not error.path and error.code in _UNREADABLE:
        code = "BadFormat"
    return (Problem(code, error.detail, error.path),)


def json_pointer(path: Path) -> str:
    """RFC 6901: `/overrides/pii_entity/us_ssn`; the empty string for the whole body."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


class Checker:
    """Reads members of objects and keeps what is wrong with them; `finish` raises when there was anything."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, code: str, detail: str, path: Path) -> None:
        """Note one mistake."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(code, detail, path))

    def finish(self) -> None:
        """Raise `ValidationFailed` when anything was wrong."""
        if self.problems:
            raise ValidationFailed(self.problems)

    def body(self, value: Any, members: Collection[str]) -> Mapping[str, Any]:
        """The whole document, a closed object. Raises at once when it is none, or nested too deeply to work with."""
        if not isinstance(value, Mapping):
            self.wrong_type("object", ())
        elif is_deep(value):
            self.add("BadFormat", f"nested more than {MOST_LEVELS} levels deep", ())
        self.finish()
        return self.table(value, (), members)

    def table(self, value: object, path: Path, members: Collection[str] | None = None) -> Mapping[str, Any]:
        """`value` as an object; empty when it is none. With `members` the object is closed."""
        if not isinstance(value, Mapping):
            self.wrong_type("object", path)
            return {}
        for name in value if members is not None else ():
            if name not in (members or ()):
                self.add("UnexpectedProperty", f"{name[:64]!r} is not expected here", (*path, name))
        return value

    def string(self, table: Mapping[str, Any], name: str, path: Path) -> str | None:
        """A member that is a string; None when absent or wrong."""
        value: str | None = self._typed(table, name, path, str, "string")
        return value

    def boolean(self, table: Mapping[str, Any], name: str, path: Path) -> bool | None:
        """A member that is true or false; None when absent or wrong."""
        value: bool | None = self._typed(table, name, path, bool, "boolean")
        return value

    def unit_number(self, table: Mapping[str, Any], name: str, path: Path) -> float | None:
        """A member that is a number from 0 to 1; None when absent or wrong."""
        return self.number(table, name, path, 0, 1)

    def number(self, table: Mapping[str, Any], name: str, path: Path, least: float, most: float) -> float | None:
        """A member that is a number in a range, its ends included; None when absent or wrong."""
        value = table.get(name)
        if name not in table:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong_type("number", (*path, name))
            return None
        if not least <= value <= most:
            self.add("NotWithinRange", f"must be from {least} to {most}", (*path, name))
            return None
        return float(value)

    def array(self, table: Mapping[str, Any], name: str, path: Path, most: int) -> list[Any]:
        """A member that is a list of at most `most` items; empty when absent or wrong."""
        value = table.get(name, [])
        if not isinstance(value, list):
            self.wrong_type("array", (*path, name))
            return []
        if len(value) > most:
            self.add("AboveMaxItems", f"at most {most} items", (*path, name))
            return []
        return value

    def required(self, table: Mapping[str, Any], names: Collection[str], path: Path) -> None:
        """Note those of `names` that are missing."""
        for name in names:
            if name not in table:
                self.add("FieldRequired", f"{name} is required", (*path, name))

    def strings(self, table: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...] | None:
        """A member that is a list of strings; None when absent or wrong."""
        value = table.get(name)
        if name not in table:
            return None
        if not isinstance(value, list):
            self.wrong_type("array", (*path, name))
            return None
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.wrong_type("string", (*path, name, index))
        return tuple(item for item in value if isinstance(item, str))

    def choice(self, table: Mapping[str, Any], name: str, path: Path, choices: Sequence[str]) -> str | None:
        """A member that is one of `choices`; None when absent or wrong."""
        value = self.string(table, name, path)
        if value is not None and value not in choices:
            shown = ", ".join(choice or "''" for choice in choices)
            self.add("NotEnumMember", f"{value[:64]!r} is not one of: {shown}", (*path, name))
            return None
        return value

    def wrong_type(self, expected: str, path: Path) -> None:
        """Note that the value at `path` is not of the JSON type `expected`."""
        article = "an" if expected[0] in "aio" else "a"
        self.add(_TYPE_CODES[expected], f"must be {article} {expected}", path)

    def _typed(self, table: Mapping[str, Any], name: str, path: Path, kind: type[Any], expected: str) -> Any:
        if name not in table:
            return None
        value = table[name]
        if not isinstance(value, kind):
            self.wrong_type(expected, (*path, name))
            return None
        return value


def without_nulls(table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The table without those of `names` that are null: the vendor's documents have them for what is not set."""
    return {name: value for name, value in table.items() if value is not None or name not in names}
