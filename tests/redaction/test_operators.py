"""What each operator makes of a value, and which parameters it refuses."""

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction import guardhouse_operators

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def operators():
    return {operator.action: operator for operator in guardhouse_operators()}


@pytest.mark.parametrize(
    ("action", "parameters", "value", "expected"),
    [
        pytest.param("replace", {}, "a@b.org", "<EMAIL_ADDRESS>", id="replace-by-kind"),
        pytest.param("replace", {"value": "[{kind}]"}, "a@b.org", "[EMAIL_ADDRESS]", id="replace-template"),
        pytest.param("replace", {"value": ""}, "a@b.org", "", id="replace-by-nothing"),
        pytest.param("mask", {}, "a@b.ör", "******", id="mask-keeps-length"),
        pytest.param("mask", {"masking_char": "#"}, "abc", "###", id="mask-char"),
        pytest.param("partial_mask", {}, "234-56-7890", "*******7890", id="partial-default"),
        pytest.param("partial_mask", {}, "7890", "****", id="partial-short-value-is-masked-whole"),
        pytest.param(
            "partial_mask",
            {"unmasked_from_left": 2, "unmasked_from_right": 1, "chars_to_ignore": ["-"]},
            "234-56-7890",
            "23*-**-***0",
            id="partial-both-ends",
        ),
        pytest.param("partial_mask", {"unmasked_from_left": 2}, "abcdef", "ab****", id="partial-left-only"),
        pytest.param(
            "partial_mask",
            {"masking_type": "mask", "masked_from_left": 2, "masked_from_right": 1},
            "abcdef",
            "**cde*",
            id="partial-mask-ends",
        ),
        pytest.param(
            "defang",
            {},
            "http://113.235.101.11:54384/a.exe",
            "hxxp://113[.]235[.]101[.]11:54384/a.exe",
            id="defang-url",
        ),
        pytest.param("defang", {}, "HTTPS://evil.example?a=b.c", "hxxps://evil[.]example?a=b.c", id="defang-query"),
        pytest.param("defang", {}, "190.28.74.251", "190[.]28[.]74[.]251", id="defang-address"),
        pytest.param("defang", {}, "2001:db8::1", "2001[:]db8[:][:]1", id="defang-ipv6"),
        pytest.param("defang", {}, "javascript:alert(1)", "javascript[:]alert(1)", id="defang-script"),
        pytest.param("defang", {}, "evil[.]example", "evil[.]example", id="defang-twice"),
    ],
)
def test_rewrites(operators, action, parameters, value, expected):
    operator = operators[RuleAction(action)]
    operator.check(parameters)
    assert operator.rewrite(value, kind="EMAIL_ADDRESS", parameters=parameters, key=KEY) == expected


def test_hashes_are_keyed_and_repeatable(operators):
    rewrite = operators[RuleAction.HASH].rewrite
    first = rewrite("a@b.org", kind="EMAIL_ADDRESS", parameters={}, key=KEY)
    assert first == rewrite("a@b.org", kind="OTHER", parameters={}, key=KEY)
    assert first != rewrite("a@b.org", kind="EMAIL_ADDRESS", parameters={}, key=bytes(32))
    assert len(first) == 64
    assert len(rewrite("\ud800", kind="X", parameters={"hash_type": "md5"}, key=KEY)) == 32


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("replace", {"value": 1}),
        ("mask", {"masking_char": "**"}),
        ("partial_mask", {"masking_type": "some"}),
        ("partial_mask", {"unmasked_from_right": -1}),
        ("partial_mask", {"unmasked_from_right": True}),
        ("partial_mask", {"chars_to_ignore": "-"}),
        ("hash", {"hash_type": "sha1"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(operators, action, parameters):
    with pytest.raises(InvalidInput):
        operators[RuleAction(action)].check(parameters)
