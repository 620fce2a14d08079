"""What each operator makes of a value, and which parameters it refuses."""

import re
import unicodedata

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction import guardhouse_operators
from guardhouse.redaction.base import Value
from guardhouse.redaction.context import read_context
from guardhouse.redaction.keys import KeyRing
from guardhouse.redaction.session import Session
from guardhouse.redaction.unredact import Restorer

RING = KeyRing({1: bytes(range(32))})


def session(tenant="", ring=RING, **options):
    return Session(ring.current_for(tenant), **options)


@pytest.fixture(scope="module")
def operators():
    return {operator.action: operator for operator in guardhouse_operators()}


@pytest.mark.parametrize(
    ("action", "parameters", "value", "expected"),
    [
        pytest.param("replace", {}, "a@b.org", "<EMAIL_ADDRESS>", id="replace-by-kind"),
        pytest.param("replace", {"value": "[{kind}]"}, "a@b.org", "[EMAIL_ADDRESS]", id="replace-template"),
        pytest.param("replace", {"value": ""}, "a@b.org", "", id="replace-by-nothing"),
        pytest.param(
            "replace", {"value": "{kind} {number}", "literal": True}, "a@b.org", "{kind} {number}", id="replace-literal"
        ),
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
    made = operator.rewrite(Value(value, "EMAIL_ADDRESS"), parameters=parameters, session=session())
    assert made.text == expected


def test_hashes_are_keyed_and_repeatable(operators):
    def hashed(text, where, **parameters):
        return operators[RuleAction.HASH].rewrite(Value(text, "X"), parameters=parameters, session=where).text

    first = hashed("a@b.org", session())
    assert first == hashed("a@b.org", session())
    assert first != hashed("a@b.org", session(ring=KeyRing({1: bytes(32)})))
    assert first != hashed("a@b.org", session("shop"))
    assert len(first) == 64
    assert len(hashed("\ud800", session(), hash_type="md5")) == 32
    salted = [hashed("a@b.org", session(), key_name=name) for name in ("one", "two", "one")]
    assert salted[0] == salted[2]
    assert len({first, *salted}) == 3


def test_keys_by_name_encrypt_apart_and_come_back(operators):
    value, where = Value("4111111111111111", "X"), session()
    made = [
        operators[RuleAction.FPE]
        .rewrite(
            value, parameters={"tweak": "abcdefg", "key_name": name} if name else {"tweak": "abcdefg"}, session=where
        )
        .text
        for name in ("", "one", "two", "one")
    ]
    assert made[1] == made[3]
    assert len(set(made)) == 3
    restored = Restorer(read_context(where.context(), RING, ""))
    assert [restored.text(text) for text in made] == [value.text] * 4
    later = session(earlier=read_context(where.context(), RING, ""))
    again = {"tweak": "abcdefg", "key_name": "two"}
    assert operators[RuleAction.FPE].rewrite(value, parameters=again, session=later).text == made[2]


def test_numbered_names_stay_with_their_value(operators):
    rewrite, one = operators[RuleAction.REPLACE].rewrite, session(texts=["see <PERSON_4>"])

    def named(text, kind="PERSON", where=one, **parameters):
        return rewrite(Value(text, kind), parameters=parameters or {"numbered": True}, session=where).text

    assert [named(text) for text in ("Ann Lee", "Bob", "ann  lee")] == ["<PERSON_5>", "<PERSON_6>", "<PERSON_5>"]
    assert named("Ann Lee", "EMAIL_ADDRESS") == "<EMAIL_ADDRESS_1>"
    assert named("Eve", value="{kind}-{number}!") == "PERSON-7!"
    later = session(earlier=read_context(one.context(), RING, ""))
    assert [named(text, where=later) for text in ("Zoe", "Bob")] == ["<PERSON_7>", "<PERSON_6>"]


SHAPES = {
    "PERSON": ("Ana Peña", r"[A-ZÁÉÍÓÚ]\w+ [A-ZÁÉÍÓÚ]\w+"),
    "EMAIL_ADDRESS": ("ann.lee7@corp.test", r"[a-z]+\.[a-z]+[0-9]{2}@example\.(com|org|net)"),
    "PHONE_NUMBER": ("+1 (415) 867-5309", r"\+1 \([2-9]0[2-9]\) 555-01[0-9]{2}"),
    "CREDIT_CARD": ("4929 1111 2222 3333", r"4[0-9]{3} [0-9]{4} [0-9]{4} [0-9]{4}"),
    "US_SSN": ("234-56-7890", r"9[0-9]{2}-[0-4][0-9]-[0-9]{4}"),
    "IP_ADDRESS": ("8.8.8.8", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.[0-9]{1,3}"),
    "MAC_ADDRESS": ("3c:22:fb:01:02:03", r"00:00:5e:00:53:[0-9a-f]{2}"),
    "DATE_TIME": ("2024-02-29", r"20[0-9]{2}-(0[1-9]|1[0-2])-[0-2][0-9]"),
    "URL": ("https://bank.test/login", r"https://[a-z]+\.example\.(com|org|net)/[a-z]+"),
    "UK_NHS": ("943 476 5919", r"00[0-9] [0-9]{3} [0-9]{4}"),
    "LOCATION": ("Paris", r"[A-Z][A-Za-z ]+"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_surrogates_have_the_shape_and_belong_to_nobody(operators, kind):
    value, shape = SHAPES[kind]

    def stand_in(text=value, **where):
        return operators[RuleAction.SURROGATE].rewrite(Value(text, kind), parameters={}, session=session(**where)).text

    made = stand_in(conversation_id="c1")
    assert re.fullmatch(shape, made)
    assert made != value
    assert made == stand_in(conversation_id="c1")
    others = {stand_in(conversation_id=f"c{number}") for number in range(2, 12)}
    assert len(others) > 2
    assert any(stand_in(tenant=f"t{number}", conversation_id="c1") != made for number in range(4))


def test_surrogate_names_keep_the_script(operators):
    for text, script in (("Иван Попов", "CYRILLIC"), ("王伟", "CJK"), ("أحمد", "ARABIC"), ("김민준", "HANGUL")):
        made = operators[RuleAction.SURROGATE].rewrite(Value(text, "PERSON"), parameters={}, session=session()).text
        assert all(unicodedata.name(char).startswith(script) for char in made if char != " ")


def test_a_surrogate_iban_has_its_check_digits(operators):
    value = Value("DE89 3704 0044 0532 0130 00", "IBAN_CODE")
    made = operators[RuleAction.SURROGATE].rewrite(value, parameters={}, session=session()).text
    bare = made.replace(" ", "")
    assert re.fullmatch(r"DE[0-9]{2} 0000 [0-9]{4} [0-9]{4} [0-9]{4} [0-9]{2}", made)
    assert int("".join(str(int(char, 36)) for char in bare[4:] + bare[:4])) % 97 == 1


@pytest.mark.parametrize("text", ["", "9", "1" * 5000, "²³x", "\ud800", "０１２", "a\n" * 50], ids=repr)
@pytest.mark.parametrize("kind", sorted({*SHAPES, "IBAN_CODE", "OTHER"}))
def test_any_text_has_a_surrogate_of_any_kind(operators, kind, text):
    made = operators[RuleAction.SURROGATE].rewrite(Value(text, kind), parameters={}, session=session()).text
    assert made
    assert made != text


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
        ("replace", {"numbered": 1}),
        ("replace", {"reversible": True, "value": "x"}),
        ("fpe", {"alphabet": "greek"}),
        ("fpe", {"tweak": "short"}),
        ("fpe", {"tweak": 1234567}),
        ("fpe", {"key_name": ""}),
        ("hash", {"key_name": 5}),
        ("hash", {"key_name": "n" * 129}),
        ("replace", {"literal": 1}),
        ("surrogate", {"reversible": "yes"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(operators, action, parameters):
    with pytest.raises(InvalidInput):
        operators[RuleAction(action)].check(parameters)
