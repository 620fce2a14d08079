from __future__ import annotations

import pytest

from guardhouse.detectors.context import Columns, Lexicon, Nearness

PHONE, OTHER, AFTER = 0, 1, 2
LEXICON = Lexicon([["phone*", "tel.", "number is", "电话", "เบอร์โทร", "d.o.b"], ["order*"], ["office"]])


def verdict(text: str) -> Nearness:
    start = text.index("555")
    end = text.rindex("555") + 3
    return LEXICON.around(text, start, end).nearness(PHONE, OTHER, after=AFTER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my phone: 555", Nearness.FOR),
        ("my phones: 555", Nearness.FOR),
        ("tel.: 555", Nearness.FOR),
        ("hotel 555", Nearness.SILENT),
        ("userPhone=555", Nearness.FOR),
        ("user_phone=555", Nearness.FOR),
        ("the NUMBER-IS 555", Nearness.FOR),
        ("the number was 555", Nearness.SILENT),
        ("DOB 555", Nearness.SILENT),
        ("D.O.B. 555", Nearness.FOR),
        ("他的电话是555", Nearness.FOR),
        ("เบอร์โทร 555", Nearness.FOR),
        ("555 is my phone", Nearness.FOR),
        ("555, my phone", Nearness.SILENT),
        ("555 (office)", Nearness.FOR),
        ("office 555", Nearness.SILENT),
        ("order 555", Nearness.AGAINST),
        ("phone order 555", Nearness.AGAINST),
        ("order by phone 555", Nearness.FOR),
        ("phone 123 4567, id 555", Nearness.SILENT),
        ("phone 123 4567 or 555", Nearness.FOR),
        ("x" * 100 + " 555", Nearness.SILENT),
        ("phone " + "x " * 60 + "555", Nearness.SILENT),
    ],
)
def test_nearest_word_wins(text: str, expected: Nearness) -> None:
    assert verdict(text) is expected


def test_no_list_says_nothing() -> None:
    assert LEXICON.around("phone 555", 6, 9).nearness(-1, -1) is Nearness.SILENT


def test_columns_have_titles() -> None:
    text = "prose, first\n\nname;phone\nAna;555\nBo;556\n\nlast; line"
    columns = Columns(text)
    assert columns.title(text.index("555")) == "phone"
    assert columns.title(text.index("556")) == "phone"
    assert columns.title(text.index("Bo")) == "name"
    assert columns.title(text.index("first")) == ""
    assert columns.title(text.index("line")) == ""


def test_data_is_no_header() -> None:
    text = "Ana,123\nBo,555"
    assert Columns(text).title(text.index("555")) == ""
