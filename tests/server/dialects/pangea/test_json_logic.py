"""JSON Logic: the language's own examples, values of odd types, and its bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from guardhouse.server.dialects.pangea.json_logic import (
    LONGEST,
    MOST_NODES,
    LogicError,
    LogicTooCostly,
    check_logic,
    evaluate,
    is_truthy,
)

DATA = {"user": {"source_location": "US"}, "model": {"request_token_count": 1500}, "list": [1, 2, 3], "empty": ""}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"==": [1, 1]}, True),
        ({"==": [1, "1"]}, True),
        ({"===": [1, "1"]}, False),
        ({"===": [1, 1.0]}, True),
        ({"===": [True, 1]}, False),
        ({"==": [0, False]}, True),
        ({"==": [None, 0]}, False),
        ({"==": [None, None]}, True),
        ({"!=": [1, 2]}, True),
        ({"!==": [1, "1"]}, True),
        ({"!": [[]]}, True),
        ({"!": True}, False),
        ({"!!": ["0"]}, True),
        ({"or": [False, "a"]}, "a"),
        ({"and": [True, "", "b"]}, ""),
        ({"if": [False, "a", True, "b", "c"]}, "b"),
        ({"if": [False, "a"]}, None),
        ({"?:": [True, 1, 2]}, 1),
        ({">": [2, 1]}, True),
        ({">=": ["2", 2]}, True),
        ({"<": [1, 2, 3]}, True),
        ({"<": [1, 1, 3]}, False),
        ({"<=": [1, 1, 3]}, True),
        ({"<": ["a", "b"]}, True),
        ({"<": ["a", 1]}, False),
        ({"<": [{"var": "absent"}, 1]}, True),
        ({"max": [1, 3, 2]}, 3.0),
        ({"min": [1, 3, 2]}, 1.0),
        ({"+": [4, "2"]}, 6.0),
        ({"-": [4, 2]}, 2.0),
        ({"-": 2}, -2.0),
        ({"*": [4, 2]}, 8.0),
        ({"/": [4, 2]}, 2.0),
        ({"%": [101, 2]}, 1.0),
        ({"in": ["Spring", "Springfield"]}, True),
        ({"in": ["US", ["US", "CA"]]}, True),
        ({"in": ["DE", ["US", "CA"]]}, False),
        ({"in": ["x", None]}, False),
        ({"cat": ["I love", " ", 2.0, True, None]}, "I love 2truenull"),
        ({"substr": ["jsonlogic", 4]}, "logic"),
        ({"substr": ["jsonlogic", -5]}, "logic"),
        ({"substr": ["jsonlogic", 1, 3]}, "son"),
        ({"substr": ["jsonlogic", 4, -2]}, "log"),
        ({"merge": [[1, 2], 3]}, [1, 2, 3]),
        ({"var": "user.source_location"}, "US"),
        ({"var": ["user.none", "default"]}, "default"),
        ({"var": "list.1"}, 2),
        ({"var": "list.9"}, None),
        ({"var": ""}, DATA),
        ({"var": []}, DATA),
        ({"missing": ["user.source_location", "nobody", "empty"]}, ["nobody", "empty"]),
        ({"missing": {"merge": ["nobody"]}}, ["nobody"]),
        ({"missing_some": [1, ["nobody", "list"]]}, []),
        ({"missing_some": [2, ["nobody", "list"]]}, ["nobody"]),
        ({"map": [{"var": "list"}, {"*": [{"var": ""}, 2]}]}, [2.0, 4.0, 6.0]),
        ({"filter": [{"var": "list"}, {"%": [{"var": ""}, 2]}]}, [1, 3]),
        (
            {"reduce": [{"var": "list"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
            6.0,
        ),
        ({"all": [{"var": "list"}, {">": [{"var": ""}, 0]}]}, True),
        ({"all": [[], True]}, False),
        ({"some": [{"var": "list"}, {">": [{"var": ""}, 2]}]}, True),
        ({"none": [{"var": "list"}, {">": [{"var": ""}, 3]}]}, True),
        ({"some": [{"var": "nobody"}, True]}, False),
        ({"and": [{"!=": [{"var": "user.source_location"}, "US"]}]}, False),
        ({">": [{"var": "model.request_token_count"}, 1000]}, True),
        ([{"+": [1, 1]}, "a"], [2.0, "a"]),
    ],
    ids=str,
)
def test_operations(rule: Any, expected: Any) -> None:
    check_logic(rule)
    assert evaluate(rule, DATA) == expected


@pytest.mark.parametrize(
    "rule",
    [{"/": [1, 0]}, {"%": [1, 0]}, {"+": ["a", 1]}, {"max": ["a", 1]}, {"*": [[1], 2]}, {"-": ["1_0"]}],
    ids=str,
)
def test_what_makes_no_sense_is_no_number_and_false(rule: Any) -> None:
    check_logic(rule)
    assert math.isnan(evaluate(rule, {}))
    assert not is_truthy(evaluate(rule, {}))


def deep(levels: int) -> Any:
    return True if levels == 0 else {"!": [deep(levels - 1)]}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"exec": [1]}, ("exec",)),
        ({"and": [{"log": ["x"]}]}, ("and", 0, "log")),
        ({"==": [1]}, ("==",)),
        ({"==": [1, 2, 3]}, ("==",)),
        ({"!": []}, ("!",)),
        ({"==": [1, 1], "!=": [1, 1]}, ()),
        ({}, ()),
    ],
    ids=str,
)
def test_rules_that_are_none(rule: Any, path: tuple[str | int, ...]) -> None:
    with pytest.raises(LogicError) as caught:
        check_logic(rule)
    assert caught.value.path == path


@pytest.mark.parametrize("rule", [deep(40), {"or": [{"!": 1}] * (MOST_NODES // 2)}], ids=["deep", "wide"])
def test_rules_that_are_too_large(rule: Any) -> None:
    with pytest.raises(LogicError, match="levels deep"):
        check_logic(rule)
    check_logic(deep(25))


BIG: dict[str, Any] = {"list": [1] * 8000, "text": "x" * LONGEST}


@pytest.mark.parametrize(
    "rule",
    [
        {"some": [{"var": "list"}, {"some": [{"var": ""}, False]}]},
        {"map": [{"var": "list"}, {"+": [{"var": ""}, 1, 2, 3]}]},
        {"cat": [{"var": "text"}, "!"]},
        {"reduce": [{"var": "list"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "aaaaaaaa"]},
    ],
    ids=["loops", "steps", "length", "doubling"],
)
def test_cost_has_an_end(rule: Any) -> None:
    check_logic(rule)
    with pytest.raises(LogicTooCostly):
        evaluate(rule, BIG)
