"""What paths choose, and which are refused."""

import pytest

from guardhouse.server.dialects.pangea.jsonpath import JsonPathError, select

DOCUMENT = {"a": [{"b": 1, "c": 2}, {"b": 3}], "d e": {"b": 4}, "x": [10, 11, 12, 13], "it's": 5}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [DOCUMENT]),
        ("$.a[0].b", [1]),
        ("$.a[*].b", [1, 3]),
        ("$['a'][-1]['b']", [3]),
        ('$["d e"].b', [4]),
        ("$['it\\'s']", [5]),
        ("$..b", [1, 3, 4]),
        ("$.x[1:3]", [11, 12]),
        ("$.x[::-2]", [13, 11]),
        ("$.x[0, -1,0]", [10, 13]),
        ("$.x.*", [10, 11, 12, 13]),
        ("$..[0].c", [2]),
        ("$.none.b", []),
        ("$.x[99]", []),
        ("$.a.b", []),
    ],
)
def test_chosen(path, values):
    assert sorted(map(repr, (value for _, value in select(path, DOCUMENT)))) == sorted(map(repr, values))


def test_paths_lead_to_what_was_chosen():
    assert select("$.a[*].b", DOCUMENT, root=("data",)) == [(("data", "a", 0, "b"), 1), (("data", "a", 1, "b"), 3)]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "$a",
        "$.",
        "$..",
        "$[",
        "$[]",
        "$['a",
        "$.a[?(@.b)]",
        "$[0:1:0]",
        "$.[0]",
        "$" + ".a" * 600,
        "$.a b",
        "$[9999999999]",
    ],
)
def test_refused(path):
    with pytest.raises(JsonPathError):
        select(path, DOCUMENT)


def test_hostile_paths_end():
    wide = {"a": [[list(range(50)) for _ in range(50)] for _ in range(50)]}
    with pytest.raises(JsonPathError, match="too much"):
        select("$" + "..*" * 300, wide)
