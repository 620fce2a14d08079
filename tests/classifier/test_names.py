"""What is read of words, and the bundled network that tells names by it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.load import load_classifier
from guardhouse.classifier.names import (
    ALPHABETS,
    CODES,
    FLAGS,
    LETTERS,
    NameModel,
    Words,
    load_names,
    read_words,
    word_features,
)
from guardhouse.classifier.network import WIDTH, WindowReading
from guardhouse.classifier.tokens import Tokens
from guardhouse.model.conversation import Channel

TEXT = "Ana Lima met Bo in Oslo"
STARTS, ENDS = [0, 4, 9, 13, 16, 19], [3, 8, 12, 15, 18, 23]


@cache
def names() -> NameModel:
    return load_names(Path(str(resources.files("guardhouse.classifier") / "data" / "names.onnx")))


def tokens(starts: list[int], ends: list[int], words: list[int] | None = None) -> Tokens:
    numbers = words or list(range(len(starts)))
    return Tokens(*(np.array(given, dtype=np.int32) for given in (range(len(starts)), starts, ends, numbers)))


def window(values: list[float]) -> WindowReading:
    """A window whose frame says -1 and whose tokens' states are these numbers."""
    states = np.full((len(values) + 3, WIDTH), -1, dtype=np.float32)
    states[2:-1] = np.array(values, dtype=np.float32)[:, None]
    return WindowReading(np.zeros(1, np.float32), np.zeros(len(values) + 3, np.float32), states)


def test_a_word_has_the_mean_of_its_tokens() -> None:
    (words,) = read_words(TEXT, tokens(STARTS, ENDS, [0, 0, 1, 2, 3, 4]), [(0, 6)], [window([1, 3, 5, 6, 7, 8])])
    assert words.starts.tolist() == [0, 9, 13, 16, 19]
    assert words.ends.tolist() == [8, 12, 15, 18, 23]
    assert words.states[:, 0].tolist() == [2, 5, 6, 7, 8]


def test_where_windows_overlap_the_one_with_more_around_a_token_counts() -> None:
    read = [window([1, 1, 1, 1]), window([2, 2, 2, 2])]
    (words,) = read_words(TEXT, tokens(STARTS, ENDS), [(0, 4), (2, 6)], read)
    assert words.states[:, 0].tolist() == [1, 1, 1, 2, 2, 2]


def test_words_that_no_window_holds_are_left_out() -> None:
    read = [window([1]), window([2, 2])]
    first, second = read_words(TEXT, tokens(STARTS, ENDS), [(0, 1), (4, 6)], read)
    assert (first.starts.tolist(), second.starts.tolist()) == ([0], [16, 19])


def test_long_numbers_are_words_without_a_state() -> None:
    text = "Elm Road 4711, Oslo"
    (words,) = read_words(text, tokens([0, 4, 13, 15], [3, 8, 14, 19]), [(0, 4)], [window([1, 1, 1, 1])])
    told = [text[start:end] for start, end in zip(words.starts, words.ends, strict=True)]
    assert told == ["Elm", "Road", "4711", ",", "Oslo"]
    assert words.states[:, 0].tolist() == [1, 1, 0, 1, 1]


def test_nothing_to_read_is_nothing() -> None:
    assert read_words("", tokens([], []), [], []) == []


def test_letters_are_the_first_and_the_last() -> None:
    text = "Ab Donaudampfschifffahrt 東"
    letters, flags = word_features(text, np.array([0, 3, 25]), np.array([2, 24, 26]))
    assert letters.shape == (3, LETTERS)
    assert flags.shape == (3, FLAGS)
    assert bytes(letters[0, :2].tolist()) == b"Ab"
    assert not letters[0, 2:].any()
    assert bytes(letters[1].tolist()) == b"Donaudamahrt"
    assert ALPHABETS <= letters[2, 0] < CODES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bo", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]),
        ("Bo", [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1]),
        ("BO", [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1]),
        ("B", [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1]),
        ("4b", [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1]),
    ],
)
def test_flags_of_a_word_alone(text: str, expected: list[int]) -> None:
    _, flags = word_features(text, np.array([0]), np.array([len(text)]))
    assert flags[0].tolist() == expected


def test_flags_say_what_stands_between_words() -> None:
    text = "a\nb 1234 c"
    _, flags = word_features(text, np.array([0, 2, 9]), np.array([1, 3, 10]))
    newline, blank, other = range(3)
    assert flags[1, [newline, blank, other]].tolist() == [1, 1, 0]
    assert flags[2, [newline, blank, other]].tolist() == [0, 1, 1]
    assert flags[0, 3:6].tolist() == flags[1, 0:3].tolist()
    assert flags[:, 11].tolist() == [1, 0, 0]
    assert flags[:, 12].tolist() == [0, 0, 1]


def test_probabilities_are_told_for_every_word() -> None:
    words = Words(np.array(STARTS), np.array(ENDS), np.zeros((6, WIDTH), np.float32))
    likely = names().read(TEXT, words)
    assert likely.shape == (6, 9)
    assert likely.sum(axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    assert np.array_equal(likely, names().read(TEXT, words))


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("My name is Katarzyna Nowak and I have a question.", "person", "Katarzyna Nowak"),
        ("Please book two nights in Ljubljana for me.", "location", "Ljubljana"),
        ("Ship it to 12 Harrow Lane, Leeds LS1 4AP, before noon.", "address", "12 Harrow Lane, Leeds LS1 4AP"),
        ("Meine Adresse ist Lindenweg 4, 79100 Freiburg.", "address", "Lindenweg 4, 79100 Freiburg"),
        ("Adım Zeynep Yıldız, kimlik no sonra gelecek.", "person", "Zeynep Yıldız"),
    ],
)
def test_names_are_told_whole(text: str, kind: str, name: str) -> None:
    (reading,) = load_classifier(cache_entries=1).classify([ClassifierInput(text, Channel.USER)])
    assert (kind, name) in [(tag.kind, text[tag.span.start : tag.span.end]) for tag in reading.tags]


@pytest.mark.parametrize(
    "text",
    [
        "The Deployment failed on Monday because the Cache was not reachable.",
        "Sehr geehrte Damen und Herren, die Rechnung liegt bei. Mit freundlichen Grüßen",
        "Will mark the papers in May, hope to chase the bill and grant access.",
        "SELECT name, city FROM customers WHERE country = ? ORDER BY created_at DESC",
    ],
)
def test_other_capitals_are_no_persons_and_places(text: str) -> None:
    (reading,) = load_classifier(cache_entries=1).classify([ClassifierInput(text, Channel.USER)])
    assert {tag.kind for tag in reading.tags} <= {"organization"}
