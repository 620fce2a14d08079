"""What was redacted comes back exactly, in texts, JSON, quoting answers and streams; and for nobody else."""

import base64
import itertools
import json
import re
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardhouse.errors import InvalidContext
from guardhouse.model.conversation import Channel, SourceText, TextForm
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import Rule, RuleAction
from guardhouse.redaction import guardhouse_operators
from guardhouse.redaction.context import merge_contexts, read_context
from guardhouse.redaction.keys import KeyRing
from guardhouse.redaction.redact import Target, redact
from guardhouse.redaction.session import Session
from guardhouse.redaction.unredact import Restorer, Unredactor

PATH = ("text",)
OPERATORS = {operator.action: operator for operator in guardhouse_operators()}
RING = KeyRing({1: bytes(32)})
FPE = Rule(RuleAction.FPE)
NUMBERED = Rule(RuleAction.REPLACE, {"reversible": True})
STAND_IN = Rule(RuleAction.SURROGATE, {"reversible": True})
QUICK = settings(max_examples=150, deadline=None)


def hide(text, *found, form=TextForm.CONTENT, rule=FPE, tenant="", ring=RING, **options):
    """The redaction of every occurrence of each (kind, value)."""
    targets = [
        Target(Finding("pii", kind, 0.9, PATH, Span(match.start(), match.end())), rule)
        for kind, value in found
        for match in re.finditer(re.escape(value), text)
    ]
    session = Session(ring.current_for(tenant), texts=[text], **options)
    result = redact([SourceText(text, PATH, Channel.USER, 0, form)], targets, operators=OPERATORS, session=session)
    return result.texts.get(PATH, text), result


def restore(context, data, *, ring=RING, tenant=""):
    return Restorer(read_context(context, ring, tenant)).document(data)


CARD, SSN = "4111 1111 1111 1111", "234-56-7890"


def test_text_value_messages_arguments_and_answers_come_back():
    text = f"Card {CARD}, SSN {SSN}, again {SSN}; call Ann."
    redacted, result = hide(text, ("CREDIT_CARD", CARD), ("US_SSN", SSN), ("PERSON", "Ann"))
    card, ssn, person = (done.replacement for done in (result.done[0], result.done[1], result.done[3]))
    assert re.fullmatch(r"\d{4} \d{4} \d{4} \d{4}", card)
    assert re.fullmatch(r"\d{3}-\d\d-\d{4}", ssn)
    assert person == "<PERSON_1>"
    assert result.done[3].action is RuleAction.REPLACE, "a name has too few encryptions"
    assert redacted == f"Card {card}, SSN {ssn}, again {ssn}; call {person}."
    data = {
        "whole": redacted,
        "bare": ssn,
        "messages": [{"role": "user", "content": f"is {ssn} right?"}],
        "arguments": json.dumps({"to": person, "card": card}),
        ssn: [1, None, True, 2.5],
    }
    assert restore(result.context, data) == {
        "whole": text,
        "bare": SSN,
        "messages": [{"role": "user", "content": f"is {SSN} right?"}],
        "arguments": json.dumps({"to": "Ann", "card": CARD}),
        SSN: [1, None, True, 2.5],
    }


def test_the_context_has_the_documented_form_and_no_original():
    redacted, result = hide(f"x {SSN} Ann", ("US_SSN", SSN), ("PERSON", "Ann"))
    plain = base64.b64decode(result.context)
    told = json.loads(plain)
    first = told["m"][0]
    assert redacted[first["s"] : first["e"]] == first["v"]
    assert (first["a"], first["t"], told["v"], told["a"]) == (1, "US_SSN", 1, "AES-FF1-256")
    assert re.fullmatch("[A-Za-z0-9]{7}", told["t"])
    assert SSN.encode() not in plain
    assert b"Ann" not in plain


ARGUMENTS = [
    pytest.param('{"ssn": "234-56-7890", "n": 1}', "234-56-7890", id="string"),
    pytest.param('{"card":4111111111111111,"x":[1, 2]}', "4111111111111111", id="number-stays-a-number"),
    pytest.param('{"amount": 12345678.50}', "12345678.50", id="fraction"),
    pytest.param('{"pin": 1234, "s": "1234"}', "1234", id="short-number"),
    pytest.param('{"name": "L\\u00e9a \\"x\\" \\n", "b": "Léa"}', 'L\\u00e9a \\"x\\"', id="escapes"),
    pytest.param('{"a": "x\\ty", "b": true}', "true", id="a-word-of-json"),
    pytest.param('{"a": "ab", "b": "cd"}', 'ab", "b": "cd', id="across-the-structure"),
    pytest.param('not json "a-12345678', '"a-12345678', id="not-json"),
    pytest.param('{"k": "-----BEGIN\\nabc\\n-----END"}', "-----BEGIN\\nabc\\n-----END", id="private-key"),
]


@pytest.mark.parametrize(("arguments", "value"), ARGUMENTS)
def test_arguments_stay_json_and_come_back_byte_for_byte(arguments, value):
    redacted, result = hide(arguments, ("X", value), form=TextForm.ARGUMENTS)
    assert value not in redacted
    if arguments.startswith("{"):
        before, after = json.loads(arguments), json.loads(redacted)
        assert len(after) == len(before)
    assert restore(result.context, redacted) == arguments


def test_a_card_that_is_a_number_stays_one_also_in_decoded_arguments():
    redacted, result = hide('{"card": 4111111111111111}', ("CREDIT_CARD", "4111111111111111"), form=TextForm.ARGUMENTS)
    assert restore(result.context, json.loads(redacted)) == {"card": 4111111111111111}


def test_originals_are_escaped_where_a_model_puts_them_into_json():
    secret = 'BEGIN "k"\nabc\\'
    _, result = hide(f"key: {secret}", ("PRIVATE_KEY", secret))
    name = result.done[0].replacement
    for written in (json.dumps({"k": name}), json.dumps({"k": name}).replace("<", "\\u003c").replace(">", "\\u003e")):
        assert json.loads(restore(result.context, written)) == {"k": secret}
    assert restore(result.context, f"it is {name}.") == f"it is {secret}."


def test_of_two_that_overlap_the_longest_comes_back_in_one_pass():
    _, result = hide("1234567 12345678", ("A", "1234567 "), ("B", "12345678"))
    context = read_context(result.context, RING, "")
    first, second = context.entries
    first.text, second.text, first.value, second.value = "777777", "7777778", "777777x7777778", "B"
    assert Restorer(context).prose("7777778 777777 9777777") == "B 777777x7777778 9777777x7777778"


@pytest.mark.parametrize(
    "text",
    [
        "<PERSON_1> and Ann",
        "<PERSON_999999> <PERSON_2 Ann>",
        '{"a": "x"y", "Ann": 1}',
        '{"a": "Ann\\n"}',
        "Ann" * 50,
    ],
)
def test_texts_made_to_confuse_come_back(text):
    redacted, result = hide(text, ("PERSON", "Ann"))
    assert restore(result.context, redacted) == text


def test_digits_that_hold_every_encryption_get_a_name():
    """A text that holds all of a small domain leaves no encryption free."""
    noise = "".join(f"{number:06}" for number in range(0, 1_000_000, 7))
    redacted, result = hide(f"code 314159x {noise}", ("X", "314159x"[:6] + "x"))
    assert restore(result.context, redacted) == f"code 314159x {noise}"


def hide_all(texts, found, *, rule=FPE, conversation_id=""):
    """The redaction of several texts together; `found` names the values that are to go."""
    sources = [
        SourceText(text, ("messages", index), Channel.USER, index, TextForm.ARGUMENTS if is_json else TextForm.CONTENT)
        for index, (text, is_json) in enumerate(texts)
    ]
    targets = [
        Target(Finding("pii", kind, 0.9, source.path, Span(match.start(), match.end())), rule)
        for source, (kind, value) in zip(sources, found, strict=True)
        for match in (re.finditer(re.escape(value), source.value) if value else ())
    ]
    session = Session(RING.current_for(""), conversation_id=conversation_id, texts=[source.value for source in sources])
    result = redact(sources, targets, operators=OPERATORS, session=session)
    return [result.texts.get(source.path, source.value) for source in sources], result


def test_a_text_in_which_nothing_was_put_comes_back_too():
    """It may hold what is put elsewhere: then that has to be another replacement."""
    (hidden,), _ = hide_all([(SSN, False)], [("US_SSN", SSN)], conversation_id="c")
    texts = [f"my SSN is {SSN}", f"I was told {hidden}"]
    redacted, result = hide_all([(text, False) for text in texts], [("US_SSN", SSN), ("", "")], conversation_id="c")
    assert redacted[1] == texts[1]
    assert SSN not in redacted[0]
    assert restore(result.context, redacted) == texts


@pytest.mark.parametrize("rule", [NUMBERED, STAND_IN], ids=["replace", "surrogate"])
def test_two_lone_surrogates_side_by_side_stay_two(rule):
    value = "ab\ud92e\udc79cd"
    redacted, result = hide(f"x {value} y", ("X", value), rule=rule)
    assert value not in redacted
    assert restore(result.context, redacted) == f"x {value} y"


def test_a_short_stand_in_that_is_to_be_put_back_is_a_name():
    """`19` for `50` would turn every 19 of an answer into 50."""
    redacted, result = hide("page 50 of 0.7186851949618002", ("X", "50"), rule=STAND_IN)
    assert redacted == "page <X_1> of 0.7186851949618002"
    assert restore(result.context, "on 19 or 85 or 94 see <X_1>") == "on 19 or 85 or 94 see 50"
    kept, _ = hide("page 50", ("X", "50"), rule=Rule(RuleAction.SURROGATE))
    assert re.fullmatch("page [0-9][0-9]", kept)
    given, result = hide("I am Ana Lopez", ("PERSON", "Ana Lopez"), rule=STAND_IN)
    assert "<" not in given
    assert restore(result.context, given) == "I am Ana Lopez"


def test_a_stand_in_that_a_text_cannot_bear_becomes_a_name():
    """All that may stand in for a name stand in the text: nothing but a name is left."""
    words = tomllib.loads((files("guardhouse.redaction") / "surrogate_words.toml").read_text("utf-8"))
    crowd = " ".join(words["names"]["en"]["given"])
    redacted, result = hide(f"Zelda and {crowd}", ("PERSON", "Zelda"), rule=STAND_IN)
    assert re.match(r"<PERSON_\d+> and ", redacted)
    assert restore(result.context, redacted) == f"Zelda and {crowd}"


# --- several contexts ------------------------------------------------------------------------------------------------


def context_of(text, *found, **options):
    return read_context(hide(text, *found, rule=NUMBERED, **options)[1].context, RING, options.get("tenant", ""))


def test_merged_contexts_restore_what_each_of_them_does():
    encrypted, result = hide(f"{SSN} {CARD}", ("US_SSN", SSN), ("CREDIT_CARD", CARD))
    again, other = hide(f"{SSN}", ("US_SSN", SSN))
    assert again not in encrypted, "two calls without a conversation encrypt differently"
    contexts = [read_context(one.context, RING, "") for one in (result, other)]
    contexts.append(context_of("Ann", ("PERSON", "Ann")))
    merged = merge_contexts(contexts)
    quoted = f"{encrypted}, {again}, <PERSON_1>"
    assert Restorer(merged).document([quoted]) == [f"{SSN} {CARD}, {SSN}, Ann"]
    assert len(merged.entries) == 4
    restored = Restorer(read_context(merged.written(), RING, ""))
    assert restored.text(quoted) == f"{SSN} {CARD}, {SSN}, Ann", "a merged context can be written and read"


def test_of_equal_replacements_the_first_context_counts():
    first, second = context_of("Ann", ("PERSON", "Ann")), context_of("Bob", ("PERSON", "Bob"))
    assert Restorer(merge_contexts([first, second])).text("<PERSON_1>") == "Ann"
    first, second = context_of("Ann", ("PERSON", "Ann")), context_of("Bob", ("PERSON", "Bob"))
    assert Restorer(merge_contexts([second, first])).text("<PERSON_1>") == "Bob"


def test_contexts_of_different_keys_are_not_merged():
    rotated = KeyRing({1: bytes(32), 2: b"\2" * 32})
    one = context_of("Ann", ("PERSON", "Ann"))
    _, result = hide("Bob", ("PERSON", "Bob"), rule=NUMBERED, ring=rotated)
    for other in (
        read_context(result.context, rotated, ""),
        read_context(hide("Bob", ("PERSON", "Bob"), rule=NUMBERED, tenant="shop")[1].context, RING, "shop"),
    ):
        with pytest.raises(InvalidContext, match="different keys"):
            merge_contexts([one, other])


def test_an_unredactor_under_several_contexts_streams_all():
    one, result = hide(f"{SSN}.", ("US_SSN", SSN))
    contexts = [read_context(result.context, RING, ""), context_of("Ann, Bob", ("PERSON", "Ann"), ("PERSON", "Bob"))]
    text = f"{one} of <PERSON_1> and <PERSON_2>; <PERSON_3>"
    for size in range(1, len(text)):
        unredactor = Unredactor(merge_contexts(contexts))
        pieces = [unredactor.feed(text[start : start + size]) for start in range(0, len(text), size)]
        assert "".join([*pieces, unredactor.finish()]) == f"{SSN}. of Ann and Bob; <PERSON_3>"


def test_an_unredactor_takes_whole_texts_between_the_pieces():
    value = 'Ann "A"\n'
    unredactor = Unredactor(context_of(f"x {value}", ("PERSON", value)))
    assert unredactor.feed("to <PERS") == "to "
    assert unredactor.whole("<PERSON_1>") == value
    assert json.loads(unredactor.whole('{"to": "<PERSON_1>"}')) == {"to": value}
    assert unredactor.feed("ON_1>.") == f"{value}."
    assert unredactor.finish() == ""
    assert unredactor.feed("<PERSON_1") == ""
    assert unredactor.finish() == "<PERSON_1"
    assert unredactor.feed("<PERSON_1>") == value, "it is ready for another text"


def test_a_restorer_says_what_it_gave_out():
    text, result = hide(f"{SSN} Ann Bob {SSN}", ("US_SSN", SSN), ("PERSON", "Ann"), ("PERSON", "Bob"))
    restorer = Restorer(read_context(result.context, RING, ""))
    assert restorer.given == {}
    restorer.document({"a": [text.replace("<PERSON_1>", "")], text.split()[0]: 1})
    assert restorer.given == {"US_SSN": 1, "PERSON": 1}
    assert restorer.originals() == {text.split()[0]: SSN, "<PERSON_1>": "Ann", "<PERSON_2>": "Bob"}
    assert restorer.given == {"US_SSN": 1, "PERSON": 2}
    assert restorer.key == (RING.current_for("").key_id, 1)


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.from_regex(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", fullmatch=True),
    st.from_regex(r"[a-z0-9.]{1,12}@[a-z]{2,8}\.org", fullmatch=True),
    st.from_regex(r"[0-9 \n-]{1,24}", fullmatch=True),
    st.sampled_from(["<X_1>", '"', "\\", "{}", "\ud800", "\u202e12345678"]),
)
PIECES = st.lists(st.tuples(st.text(max_size=8), VALUES), min_size=1, max_size=6)
KINDS = st.sampled_from(["X", "US_SSN", "CREDIT_CARD"])
RULES = st.sampled_from(
    [FPE, FPE, Rule(RuleAction.REPLACE, {"reversible": True}), Rule(RuleAction.SURROGATE, {"reversible": True})]
)


@QUICK
@given(PIECES, KINDS, RULES, st.sampled_from(TextForm))
def test_redact_then_unredact_is_exact(pieces, kind, rule, form):
    text = "".join(before + value for before, value in pieces)
    redacted, result = hide(text, *((kind, value) for _, value in pieces), rule=rule, form=form)
    if form is TextForm.ARGUMENTS and not result.texts:  # the quotes of a JSON string are structure: nothing to edit
        assert redacted == text
        return
    assert result.texts
    assert restore(result.context, redacted) == text


@QUICK
@given(st.dictionaries(st.text(max_size=5), st.one_of(VALUES, st.integers(), st.floats(allow_nan=False)), min_size=1))
def test_arguments_of_any_json_come_back(members):
    arguments = json.dumps(members, ensure_ascii=len(members) % 2 == 0)
    values = [value if isinstance(value, str) else json.dumps(value) for value in members.values()]
    redacted, result = hide(arguments, *(("X", value) for value in values if value), form=TextForm.ARGUMENTS)
    json.loads(redacted)
    if result.context is not None:
        assert restore(result.context, redacted) == arguments


@QUICK
@given(PIECES, st.lists(st.integers(0, 200), max_size=12))
def test_a_stream_gives_the_same_wherever_it_is_cut(pieces, cuts):
    text = "".join(before + value for before, value in pieces)
    redacted, result = hide(text, *(("X", value) for _, value in pieces))
    context = read_context(result.context, RING, "")
    places = [0, *sorted(min(cut, len(redacted)) for cut in cuts), len(redacted)]
    unredactor = Unredactor(context)
    out = [unredactor.feed(redacted[start:end]) for start, end in itertools.pairwise(places)]
    assert "".join([*out, unredactor.finish()]) == Restorer(context).prose(redacted)


def test_a_stream_holds_back_no_more_than_it_must():
    redacted, result = hide("Hello Ann, hello", ("PERSON", "Ann"))
    unredactor = Unredactor(read_context(result.context, RING, ""))
    assert unredactor.feed("Hello <PER") == "Hello "
    assert unredactor.feed("SON_1") == ""
    assert unredactor.feed(">, hello") == "Ann, hello"
    assert unredactor.finish() == ""
    assert redacted == "Hello <PERSON_1>, hello"


# --- whom it comes back for ------------------------------------------------------------------------------------------


def changed(context, **members):
    return base64.b64encode(json.dumps({**json.loads(base64.b64decode(context)), **members}).encode()).decode()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "no base64!",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"{").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b"{}").decode(),
        base64.b64encode(b"\xff").decode(),
        5,
        None,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_context_is_refused(wrong):
    with pytest.raises(InvalidContext) as refused:
        read_context(wrong, RING, "")
    assert refused.value.path == ("fpe_context",)


@pytest.mark.parametrize(
    "members",
    [
        {"t": "0000000"},
        {"m": []},
        {"v": 2},
        {"v": "1"},
        {"v": True, "k": "x"},
        {"k": "key_a"},
        {"a": "AES-FF3-1-256-BETA"},
        {"mac": "0" * 64},
        {"mac": None},
        {"mac": "\u00e9"},
        {"x": ""},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_changed_context_is_refused(members):
    _, result = hide("SSN 234-56-7890 of Ann", ("US_SSN", SSN), ("PERSON", "Ann"))
    with pytest.raises(InvalidContext):
        read_context(changed(result.context, **members), RING, "")


def test_another_key_or_tenant_gets_nothing():
    _, result = hide(SSN, ("US_SSN", SSN), tenant="shop")
    assert restore(result.context, result.done[0].replacement, tenant="shop") == SSN
    for ring, tenant in ((RING, ""), (RING, "other"), (KeyRing({1: b"\1" * 32}), "shop")):
        with pytest.raises(InvalidContext):
            read_context(result.context, ring, tenant)


def test_rotation_keeps_old_contexts():
    redacted, result = hide(SSN, ("US_SSN", SSN))
    rotated = KeyRing({1: bytes(32), 2: b"\2" * 32})
    assert restore(result.context, redacted, ring=rotated) == SSN
    _, new = hide(SSN, ("US_SSN", SSN), ring=rotated)
    assert json.loads(base64.b64decode(new.context))["v"] == 2
    with pytest.raises(InvalidContext, match="not in the key ring"):
        read_context(result.context, KeyRing({2: b"\2" * 32}), "")


def test_a_conversation_goes_on():
    first, one = hide(f"{SSN} Ann", ("US_SSN", SSN), ("PERSON", "Ann"))
    earlier = read_context(one.context, RING, "")
    second, two = hide(f"Bob, Ann, {SSN}", ("US_SSN", SSN), ("PERSON", "Ann"), ("PERSON", "Bob"), earlier=earlier)
    assert second.split(", ") == ["<PERSON_2>", "<PERSON_1>", first.split()[0]]
    assert restore(two.context, f"{first} {second}") == f"{SSN} Ann Bob, Ann, {SSN}"


def test_equal_values_are_equal_within_a_conversation_only():
    one, two, other = (hide(SSN, ("US_SSN", SSN), conversation_id=name)[0] for name in ("c1", "c1", "c2"))
    assert one == two
    assert one != other
    fixed = Rule(RuleAction.FPE, {"tweak": "abcdefg"})
    assert hide(SSN, ("US_SSN", SSN), rule=fixed)[0] == hide(SSN, ("US_SSN", SSN), rule=fixed)[0]
