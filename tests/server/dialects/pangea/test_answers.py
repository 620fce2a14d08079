"""Answers kept for polling: bounded in bytes and time, and each key's own."""

from __future__ import annotations

from guardhouse.server.dialects.pangea.answers import KeptAnswers


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_the_key_that_asked_reads_its_answer() -> None:
    kept = KeptAnswers()
    kept.keep("prq_a", "ann", b"1")
    assert kept.find("prq_a", "ann") == b"1"
    assert kept.find("prq_a", "bob") is None
    assert kept.find("prq_b", "ann") is None


def test_the_oldest_make_room() -> None:
    kept = KeptAnswers(limit_bytes=10)
    for name in ("a", "b", "c"):
        kept.keep(name, "ann", b"12345")
    assert [kept.find(name, "ann") for name in ("a", "b", "c")] == [None, b"12345", b"12345"]


def test_an_answer_larger_than_all_room_is_not_kept() -> None:
    kept = KeptAnswers(limit_bytes=4)
    kept.keep("a", "ann", b"12345")
    assert kept.find("a", "ann") is None
    kept.keep("b", "ann", b"1234")
    assert kept.find("b", "ann") == b"1234"


def test_old_answers_are_forgotten() -> None:
    clock = Clock()
    kept = KeptAnswers(kept_s=300, clock=clock)
    kept.keep("a", "ann", b"1")
    clock.now = 300.0
    assert kept.find("a", "ann") == b"1"
    clock.now = 300.1
    assert kept.find("a", "ann") is None
