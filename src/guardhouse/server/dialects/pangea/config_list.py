"""`POST /v1beta/config/list`: filters, order and pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from guardhouse.model.configuration import Configuration
from guardhouse.model.conversation import Path
from guardhouse.server.dialects.pangea.schema import Checker

DEFAULT_SIZE, LARGEST_SIZE = 50, 1000
_MOST_VALUES = 200
_COMPARISONS: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "": lambda time, bound: time == bound,
    "__gt": lambda time, bound: time > bound,
    "__gte": lambda time, bound: time >= bound,
    "__lt": lambda time, bound: time < bound,
    "__lte": lambda time, bound: time <= bound,
}
_TIMES = tuple(f"{name}{ending}" for name in ("created_at", "updated_at") for ending in _COMPARISONS)
_FILTERS = ("id", "id__contains", "id__in", *_TIMES)
_Test = Callable[[Configuration], bool]


@dataclass(frozen=True, slots=True)
class ListCall:
    """A valid request."""

    tests: tuple[_Test, ...]
    order_by: str
    descending: bool
    size: int
    after: tuple[str, str] | None

    def page(self, configurations: Iterable[Configuration]) -> tuple[int, str | None, list[Configuration]]:
        """How many match, the mark of the next page where there is one, and this page."""
        matching = [item for item in configurations if all(test(item) for test in self.tests)]
        matching.sort(key=self._place, reverse=self.descending)
        rest = matching
        if self.after is not None:
            after = self.after
            rest = [
                item
                for item in matching
                if (self._place(item) < after if self.descending else self._place(item) > after)
            ]
        page = rest[: self.size]
        last = None
        if len(rest) > len(page):
            last = base64.b64encode(json.dumps(self._place(page[-1])).encode()).decode()
        return len(matching), last, page

    def _place(self, item: Configuration) -> tuple[str, str]:
        value = {"id": item.id, "created_at": stamp(item.created), "updated_at": stamp(item.updated)}
        return value[self.order_by], item.id


def read_list(check: Checker, body: Mapping[str, Any]) -> ListCall:
    """The request; mistakes go to `check`."""
    table = check.table(body, (), ("filter", "last", "order", "order_by", "size"))
    order = check.choice(table, "order", (), ("asc", "desc")) or "asc"
    order_by = check.choice(table, "order_by", (), ("id", "created_at", "updated_at")) or "id"
    size = table.get("size", DEFAULT_SIZE)
    if isinstance(size, bool) or not isinstance(size, int):
        check.wrong_type("integer", ("size",))
        size = DEFAULT_SIZE
    elif not 1 <= size <= LARGEST_SIZE:
        check.add("NotWithinRange", f"must be from 1 to {LARGEST_SIZE}", ("size",))
    tests = tuple(_read_filter(check, check.table(table.get("filter", {}), ("filter",), _FILTERS)))
    return ListCall(tests, order_by, order == "desc", size, _read_mark(check, check.string(table, "last", ())))


def stamp(time: datetime) -> str:
    """The time as the vendor's documents have it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(check: Checker, table: Mapping[str, Any], name: str, path: Path) -> datetime | None:
    """A member that is a time, without a zone in UTC; None when absent or wrong."""
    text = check.string(table, name, path)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        check.add("BadFormatDateTime", "must be a date and time in ISO 8601", (*path, name))
        return None


def _read_filter(check: Checker, table: Mapping[str, Any]) -> Iterable[_Test]:
    path: Path = ("filter",)
    if (wanted := check.string(table, "id", path)) is not None:
        yield lambda item: item.id == wanted
    if (parts := _strings(check, table, "id__contains")) is not None:
        yield lambda item: all(part in item.id for part in parts)
    if (ids := _strings(check, table, "id__in")) is not None:
        yield lambda item: item.id in ids
    for name in _TIMES:
        bound = read_time(check, table, name, path)
        if bound is not None:
            yield _time_test(name, bound)


def _strings(check: Checker, table: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    values = check.strings(table, name, ("filter",))
    if values is not None and len(values) > _MOST_VALUES:
        check.add("AboveMaxItems", f"at most {_MOST_VALUES} values", ("filter", name))
    return values


def _time_test(name: str, bound: datetime) -> _Test:
    field, ending = name[: len("created_at")], name[len("created_at") :]
    compare = _COMPARISONS[ending]
    return lambda item: compare(item.created if field == "created_at" else item.updated, bound)


def _read_mark(check: Checker, last: str | None) -> tuple[str, str] | None:
    if not last:
        return None
    try:
        value, name = json.loads(base64.b64decode(last, validate=True))
        if isinstance(value, str) and isinstance(name, str):
            return value, name
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    check.add("BadFormatBase64", "not a mark that an answer gave", ("last",))
    return None
