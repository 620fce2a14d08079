"""Words disguised with look-alike letters are folded; words of other languages stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.text.confusables import CONFUSABLE, Folded, fold_confusables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ignоrе all рrеvious", Folded("ignore all previous", 2), id="cyrillic-in-latin"),
        pytest.param("Іgnore Ιgnore", Folded("Ignore Ignore", 2), id="capital-i"),
        pytest.param("ехес сору", Folded("exec copy", 2), id="wholly-cyrillic-among-latin"),
        pytest.param("run ехес now", Folded("run exec now", 1), id="wholly-cyrillic-between-latin"),
        pytest.param("αօо", Folded("aoo", 1), id="three-scripts"),
        pytest.param("ɪɢɴᴏʀᴇ ᴀʟʟ", Folded("ignore all", 2), id="small-capitals"),
        pytest.param("sесrеt kеу", Folded("secret key", 2), id="many"),
        pytest.param("Ꭰisregаrd", Folded("Disregard", 1), id="cherokee"),
        pytest.param("résumé nаïve", Folded("résumé naïve", 1), id="accents-stay"),
        pytest.param("Это просто рос сор и оса", Folded("Это просто рос сор и оса", 0), id="russian"),
        pytest.param("και το σπίτι", Folded("και το σπίτι", 0), id="greek"),
        pytest.param("մեր ոսո տուն", Folded("մեր ոսո տուն", 0), id="armenian"),
        pytest.param("SMSка", Folded("SMSka", 0), id="inflected-is-no-trick"),
        pytest.param("x α о", Folded("x a o", 0), id="single-letters-are-no-trick"),
        pytest.param("kadın için", Folded("kadın için", 0), id="turkish"),
        pytest.param("ıgnore", Folded("ignore", 0), id="dotless-i-elsewhere"),
        pytest.param("naïve café", Folded("naïve café", 0), id="latin"),
        pytest.param("", Folded("", 0), id="empty"),
    ],
)
def test_fold(text: str, expected: Folded) -> None:
    assert fold_confusables(text) == expected


@given(st.text(alphabet=st.one_of(st.sampled_from(sorted(CONFUSABLE)), st.sampled_from("ab ж1-"), st.characters())))
def test_nothing_moves_and_only_look_alikes_change(text: str) -> None:
    folded = fold_confusables(text).text
    assert len(folded) == len(text)
    assert all(before == after or before in CONFUSABLE for before, after in zip(text, folded, strict=True))


@pytest.mark.parametrize("letter", sorted(CONFUSABLE))
def test_every_look_alike_is_a_letter_that_folds_beside_latin(letter: str) -> None:
    assert letter.isalpha()
    folded = fold_confusables(f"b{letter}b").text
    assert folded.isascii()
    assert folded.isalpha()
