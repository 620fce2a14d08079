"""JSON Logic (jsonlogic.com), checked when it is written and bounded when it runs.

A rule is JSON: an object of one member is an operation, everything else is itself. Values compare and turn into
numbers as in JavaScript, where the language was born; what makes no sense there (an order of lists, a number of words)
is false or no number here too, and never an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

MOST_NODES = 500
MOST_LEVELS = 30
MOST_STEPS = 20_000
LONGEST = 64 * 1024
"""Characters of a text, or items of a list, that an operation may make."""


class LogicError(Exception):
    """A rule that is none. `path` leads into it."""

    def __init__(self, detail: str, path: tuple[str | int, ...]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path


class LogicTooCostly(Exception):
    """A rule took more steps, or made something longer, than is allowed."""


def check_logic(rule: Any) -> None:
    """Raise `LogicError` for operations that do not exist, wrong numbers of arguments, and rules that are too large."""
    nodes = 0
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(rule, ())]
    while stack:
        value, path = stack.pop()
        nodes += 1
        if nodes > MOST_NODES or len(path) > 2 * MOST_LEVELS:
            raise LogicError(f"at most {MOST_NODES} parts, {MOST_LEVELS} levels deep", path)
        if isinstance(value, list):
            stack.extend((item, (*path, index)) for index, item in enumerate(value))
        elif isinstance(value, dict):
            if len(value) != 1:
                raise LogicError("an operation has one member, its operator", path)
            ((name, given),) = value.items()
            if name not in _ARGUMENTS:
                raise LogicError(f"there is no operator {name[:40]!r}", (*path, name))
            count = len(given) if isinstance(given, list) else 1
            least, most = _ARGUMENTS[name]
            if not least <= count <= most:
                raise LogicError(f"{name!r} takes {least} to {most} arguments, not {count}", (*path, name))
            stack.append((given, (*path, name)))


def evaluate(rule: Any, data: Any) -> Any:
    """What a checked rule gives for `data`. Raises `LogicTooCostly`; bounded by `MOST_STEPS`."""
    return _Run(MOST_STEPS).apply(rule, data)


def is_truthy(value: Any) -> bool:
    """As JSON Logic has it: like JavaScript, but an empty list is false."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, Mapping) or bool(value)


class _Run:
    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise LogicTooCostly(f"more than {MOST_STEPS} steps")

    def apply(self, rule: Any, data: Any) -> Any:
        self.spend()
        if isinstance(rule, list):
            return [self.apply(item, data) for item in rule]
        if not isinstance(rule, Mapping) or len(rule) != 1:
            return rule
        ((name, given),) = rule.items()
        arguments = given if isinstance(given, list) else [given]
        if name in _LAZY:
            return _LAZY[name](self, arguments, data)
        values = [self.apply(item, data) for item in arguments]
        self.spend(sum(len(value) for value in values if isinstance(value, str | list)) // 64)
        if name == "var":
            return _variable(data, *values)
        if name in ("missing", "missing_some"):
            return _missing(data, name, values)
        result = _PLAIN[name](*values)
        if isinstance(result, str | list) and len(result) > LONGEST:
            raise LogicTooCostly(f"longer than {LONGEST}")
        return result


# --- operations that choose what to evaluate -------------------------------------------------------------------------


def _if(run: _Run, arguments: Sequence[Any], data: Any) -> Any:
    index = 0
    while index + 1 < len(arguments):
        if is_truthy(run.apply(arguments[index], data)):
            return run.apply(arguments[index + 1], data)
        index += 2
    return run.apply(arguments[index], data) if index < len(arguments) else None


def _and(run: _Run, arguments: Sequence[Any], data: Any) -> Any:
    value: Any = None
    for item in arguments:
        value = run.apply(item, data)
        if not is_truthy(value):
            break
    return value


def _or(run: _Run, arguments: Sequence[Any], data: Any) -> Any:
    value: Any = None
    for item in arguments:
        value = run.apply(item, data)
        if is_truthy(value):
            break
    return value


def _items(run: _Run, arguments: Sequence[Any], data: Any) -> list[Any]:
    items = run.apply(arguments[0], data)
    return items if isinstance(items, list) else []


def _map(run: _Run, arguments: Sequence[Any], data: Any) -> list[Any]:
    return [run.apply(arguments[1], item) for item in _items(run, arguments, data)]


def _filter(run: _Run, arguments: Sequence[Any], data: Any) -> list[Any]:
    return [item for item in _items(run, arguments, data) if is_truthy(run.apply(arguments[1], item))]


def _reduce(run: _Run, arguments: Sequence[Any], data: Any) -> Any:
    value = run.apply(arguments[2], data) if len(arguments) > 2 else None
    for item in _items(run, arguments, data):
        value = run.apply(arguments[1], {"current": item, "accumulator": value})
    return value


def _all(run: _Run, arguments: Sequence[Any], data: Any) -> bool:
    items = _items(run, arguments, data)
    return bool(items) and all(is_truthy(run.apply(arguments[1], item)) for item in items)


def _some(run: _Run, arguments: Sequence[Any], data: Any) -> bool:
    return any(is_truthy(run.apply(arguments[1], item)) for item in _items(run, arguments, data))


def _none(run: _Run, arguments: Sequence[Any], data: Any) -> bool:
    return not _some(run, arguments, data)


_LAZY: Mapping[str, Callable[[_Run, Sequence[Any], Any], Any]] = {
    "if": _if,
    "?:": _if,
    "and": _and,
    "or": _or,
    "map": _map,
    "filter": _filter,
    "reduce": _reduce,
    "all": _all,
    "some": _some,
    "none": _none,
}


# --- data ------------------------------------------------------------------------------------------------------------


def _variable(data: Any, name: Any = "", default: Any = None) -> Any:
    if name is None or name == "":
        return data
    value = data
    for step in _text(name).split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return default
    return default if value is None else value


def _missing(data: Any, name: str, values: Sequence[Any]) -> list[Any]:
    if name == "missing":
        names = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        return [item for item in names if _variable(data, item) in (None, "")]
    wanted = values[1] if isinstance(values[1], list) else [values[1]]
    absent = [item for item in wanted if _variable(data, item) in (None, "")]
    return [] if len(wanted) - len(absent) >= _number(values[0]) else absent


# --- values ----------------------------------------------------------------------------------------------------------


def _number(value: Any) -> float:
    """As JavaScript's `Number`, NaN for what is none."""
    if value is None:
        return 0.0
    try:
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, str):
            text = value.strip()
            return float(text) if text and "_" not in text else (0.0 if not text else math.nan)
    except (ValueError, OverflowError):
        return math.nan
    return math.nan


def _text(value: Any) -> str:
    """As JavaScript's `String`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else str(value)
    if isinstance(value, list):
        return ",".join("" if item is None else _text(item) for item in value)
    return str(value) if isinstance(value, int) else "[object Object]"


def _equal(left: Any, right: Any) -> bool:
    """As `==`: of different types by number, null only with null."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, list | Mapping) or isinstance(right, list | Mapping):
        return False
    return _number(left) == _number(right)


def _same(left: Any, right: Any) -> bool:
    """As `===`."""
    numbers = (int, float)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, numbers) and isinstance(right, numbers):
        return left == right
    return type(left) is type(right) and not isinstance(left, list | Mapping) and left == right


def _less(left: Any, right: Any, *, or_equal: bool) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left <= right if or_equal else left < right
    one, other = _number(left), _number(right)
    return one <= other if or_equal else one < other


def _chain(values: Sequence[Any], *, or_equal: bool) -> bool:
    return all(_less(left, right, or_equal=or_equal) for left, right in pairwise(values))


def _contains(part: Any, whole: Any) -> bool:
    if isinstance(whole, str):
        return _text(part) in whole
    return isinstance(whole, list) and any(_same(part, item) for item in whole)


def _divide(left: Any, right: Any) -> float:
    divisor = _number(right)
    return _number(left) / divisor if divisor else math.nan


def _remainder(left: Any, right: Any) -> float:
    one, other = _number(left), _number(right)
    return math.fmod(one, other) if other and math.isfinite(one) else math.nan


def _minus(left: Any, right: Any = None) -> float:
    return -_number(left) if right is None else _number(left) - _number(right)


def _merge(*values: Any) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _part(text: Any, start: Any, length: Any = None) -> str:
    whole, begin = _text(text), _number(start)
    first = int(begin) if math.isfinite(begin) else 0
    rest = whole[first:] if first >= 0 else whole[max(0, len(whole) + first) :]
    size = None if length is None else _number(length)
    return rest if size is None or not math.isfinite(size) else rest[: int(size)]


def _extreme(choose: Callable[[list[float]], float], values: Sequence[Any]) -> float:
    numbers = [_number(value) for value in values]
    return math.nan if any(map(math.isnan, numbers)) else choose(numbers)


_PLAIN: Mapping[str, Callable[..., Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": _same,
    "!==": lambda left, right: not _same(left, right),
    "!": lambda value: not is_truthy(value),
    "!!": is_truthy,
    "<": lambda *values: _chain(values, or_equal=False),
    "<=": lambda *values: _chain(values, or_equal=True),
    ">": lambda left, right: _less(right, left, or_equal=False),
    ">=": lambda left, right: _less(right, left, or_equal=True),
    "max": lambda *values: _extreme(max, values),
    "min": lambda *values: _extreme(min, values),
    "+": lambda *values: sum(map(_number, values)),
    "-": _minus,
    "*": lambda *values: math.prod(map(_number, values)),
    "/": _divide,
    "%": _remainder,
    "in": _contains,
    "cat": lambda *values: "".join(map(_text, values)),
    "substr": _part,
    "merge": _merge,
}
_ANY = MOST_NODES
_ARGUMENTS: Mapping[str, tuple[int, int]] = {
    "var": (0, 2),
    "missing": (0, _ANY),
    "missing_some": (2, 2),
    **dict.fromkeys(("if", "?:", "and", "or"), (1, _ANY)),
    **dict.fromkeys(("map", "filter", "all", "some", "none"), (2, 2)),
    "reduce": (2, 3),
    **dict.fromkeys(("==", "!=", "===", "!==", ">", ">=", "/", "%", "in"), (2, 2)),
    **dict.fromkeys(("!", "!!"), (1, 1)),
    **dict.fromkeys(("<", "<="), (2, 3)),
    **dict.fromkeys(("max", "min", "+", "*", "cat", "merge"), (1, _ANY)),
    "-": (1, 2),
    "substr": (2, 3),
}
"""How many arguments each operator takes."""
