"""The folder of imported lists, and the swap while it is in use."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from guardhouse import Guard
from guardhouse.detectors.malicious_entity import lists
from guardhouse.detectors.malicious_entity.index import hours_now
from guardhouse.detectors.malicious_entity.lists import FreshThreats, ImportedLists, ListFacts
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat
from guardhouse.errors import ConfigurationError, DetectorFailed, InvalidInput, NotFound
from guardhouse.model.evaluation import Outcome
from guardhouse.settings import Settings

FACTS = ListFacts("one", "Test", "plain", "one.txt", 1)
BAD = Threat("malware", "Test")


def indicators(*values: str) -> list[Indicator]:
    return [Indicator(value, BAD) for value in values]


def add(data_dir: Path, values: Iterable[Indicator], facts: ListFacts = FACTS) -> ListFacts:
    return ImportedLists(data_dir).add(facts, values)


def fresh(data_dir: Path) -> FreshThreats:
    return FreshThreats(ImportedLists(data_dir).index)


def find(threats: FreshThreats, key: str) -> Threat | None:
    mapped = threats.current()
    return mapped.find(key) if mapped else None


def test_an_imported_list_is_kept_and_told_of(tmp_path: Path) -> None:
    soon = hours_now() + 5
    done = add(tmp_path, [*indicators("bad.example.com", "198.51.100.7"), Indicator("b.example.com", BAD, soon)])
    assert (done.indicators, done.expires_first, done.refused) == (3, soon, {})
    assert ImportedLists(tmp_path).all() == [done]
    assert find(fresh(tmp_path), "bad.example.com") == BAD
    folder = tmp_path / "intel"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "one.list", "threats.index"]


def test_what_would_condemn_too_much_is_left_out(tmp_path: Path) -> None:
    done = add(
        tmp_path,
        [
            *indicators("bad.example.com", "com", "co.uk", "0.0.0.0/0", "10.0.0.0/7", "::/8", "127.0.0.1", "::1"),
            *indicators(
                "0.0.0.0",
                "224.0.0.1",
                "nothing",
                "",
                "a b",
                "http://",
                "x" * 3_000 + ".com",
                "github.io.",
                "x.ck",
                "www.ck",
            ),
            Indicator("old.example.com", BAD, hours_now()),
        ],
    )
    assert done.indicators == 2  # www.ck is the one name that its suffix excepts
    assert done.refused == {
        "a public suffix": 3,
        "a network too wide": 3,
        "an address of no one's": 4,
        "not an indicator": 6,
        "expired": 1,
    }


def test_lists_are_joined_replaced_and_removed(tmp_path: Path) -> None:
    store = ImportedLists(tmp_path)
    add(tmp_path, indicators("a.example.com"))
    add(tmp_path, indicators("b.example.com"), ListFacts("two", "Test", "plain", "x", 1))
    assert [facts.name for facts in store.all()] == ["one", "two"]
    assert find(fresh(tmp_path), "a.example.com")
    assert find(fresh(tmp_path), "b.example.com")
    add(tmp_path, indicators("c.example.com"))
    assert find(fresh(tmp_path), "a.example.com") is None
    assert find(fresh(tmp_path), "c.example.com")
    assert store.remove("two").indicators == 1
    assert find(fresh(tmp_path), "b.example.com") is None
    with pytest.raises(NotFound, match="'two'"):
        store.remove("two")


@pytest.mark.parametrize("name", ["", "../x", "A", ".x", "a/b", "x" * 65, "a\n"])
def test_names_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="no name of a list"):
        add(tmp_path, indicators("a.example.com"), ListFacts(name, "", "plain", "", 1))


def test_an_empty_feed_does_not_wipe_out_a_full_one(tmp_path: Path) -> None:
    add(tmp_path, indicators("a.example.com"))
    with pytest.raises(InvalidInput, match=r"no indicator \(2 not an indicator\)"):
        add(tmp_path, indicators("sorry", "maintenance"))
    assert find(fresh(tmp_path), "a.example.com")
    assert len(list((tmp_path / "intel").iterdir())) == 3


def test_hostile_cells_stay_in_their_cells(tmp_path: Path) -> None:
    odd = Threat("a\tb\nc", "s\r\tx")
    add(tmp_path, [Indicator("a.example.com", odd), *indicators("b.example.com")])
    found = find(fresh(tmp_path), "a.example.com")
    assert found is not None
    assert (found.category, found.source) == ("a b c", "s  x")
    assert find(fresh(tmp_path), "b.example.com") == BAD


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    store = ImportedLists(tmp_path)

    def slow() -> Iterable[Indicator]:
        yield from indicators("a.example.com")
        with pytest.raises(ConfigurationError, match="another import"):
            add(tmp_path, indicators("b.example.com"), ListFacts("two", "", "plain", "", 1))

    store.add(FACTS, slow())
    assert [facts.name for facts in store.all()] == ["one"]


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    add(tmp_path, indicators("a.example.com"))
    (tmp_path / "intel" / "one.list").write_bytes(b"\xff\n")
    with pytest.raises(ConfigurationError, match=r"'one\.list'"):
        ImportedLists(tmp_path).all()


def test_the_swap_is_noticed_and_looked_for_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("guardhouse.detectors.malicious_entity.lists.time.monotonic", lambda: now[0])
    threats = fresh(tmp_path)
    assert threats.current() is None
    add(tmp_path, indicators("a.example.com"))
    now[0] += 0.5
    assert threats.current() is None
    now[0] += 0.6
    first = threats.current()
    assert first is not None
    add(tmp_path, indicators("b.example.com"))
    now[0] += 0.5
    assert threats.current() is first
    now[0] += 0.6
    second = threats.current()
    assert second is not None
    assert second.find("b.example.com")
    assert second.find("a.example.com") is None
    assert first.find("a.example.com"), "whoever still holds the old one goes on with it"
    now[0] += 2
    assert threats.current() is second, "the same file is not mapped again"
    ImportedLists(tmp_path).index.unlink()
    now[0] += 2
    assert threats.current() is None


def test_an_index_that_cannot_be_read_is_a_failure_until_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOK_AGAIN_S", 0.0)
    add(tmp_path, indicators("a.example.com"))
    threats = fresh(tmp_path)
    assert find(threats, "a.example.com")
    broken = tmp_path / "broken"
    broken.write_bytes(b"x" * 500)
    broken.replace(ImportedLists(tmp_path).index)
    for _ in range(2):
        with pytest.raises(DetectorFailed, match="import a list again"):
            threats.current()
    add(tmp_path, indicators("a.example.com"))
    assert find(threats, "a.example.com")


def test_threads_look_things_up_while_lists_are_swapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The indicator common to all lists is found at every moment, under every one of them."""
    monkeypatch.setattr(lists, "LOOK_AGAIN_S", 0.0)
    add(tmp_path, indicators("always.example.com"))
    threats, wrong, stop = fresh(tmp_path), [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            if find(threats, "always.example.com") != BAD or find(threats, "never.example.com"):
                wrong.append(1)

    workers = [threading.Thread(target=look) for _ in range(3)]
    for worker in workers:
        worker.start()
    for number in range(25):
        add(tmp_path, indicators("always.example.com", *(f"n{number}-{i}.example.com" for i in range(number * 7))))
    stop.set()
    for worker in workers:
        worker.join()
    assert wrong == []


def guard(data_dir: Path) -> Guard:
    return Guard(settings=Settings(data_dir=data_dir))


@pytest.mark.parametrize(
    ("action", "blocked", "text"),
    [
        ("report", False, None),
        ("defang", False, "see hxxp://bad[.]example[.]com/x"),
        ("block", True, None),
    ],
)
def test_a_guard_acts_on_an_imported_list(tmp_path: Path, action: str, blocked: bool, text: str | None) -> None:
    add(tmp_path, indicators("bad.example.com"))
    overrides = {"ignore_recipe": True, "detectors": {"malicious_entity": {"action": action}}}
    evaluation = guard(tmp_path).evaluate("see http://bad.example.com/x", overrides=overrides)
    (report,) = evaluation.reports
    (applied,) = report.findings
    assert report.outcome is Outcome.DETECTED
    assert (applied.finding.kind, applied.finding.confidence) == ("URL", 0.99)
    assert applied.finding.evidence == {
        "category": "malware",
        "source": "Test",
        "verdict": "malicious",
        "score": "100",
    }
    assert (evaluation.action > 0) is blocked
    if text is not None:
        assert [redaction.replacement for redaction in evaluation.redactions] == [text.removeprefix("see ")]


def test_a_mild_reputation_does_not_count_by_default(tmp_path: Path) -> None:
    add(tmp_path, [Indicator("mild.example.com", Threat("spam", "Test", "suspicious", 40))])
    only = {"ignore_recipe": True, "detectors": {"malicious_entity": {"action": "block"}}}
    (report,) = guard(tmp_path).evaluate("see mild.example.com", overrides=only).reports
    assert report.outcome is Outcome.NOT_DETECTED


def test_a_guard_whose_lists_cannot_be_read_says_so(tmp_path: Path) -> None:
    add(tmp_path, indicators("bad.example.com"))
    ImportedLists(tmp_path).index.write_bytes(b"x" * 500)
    only = {"ignore_recipe": True, "detectors": {"malicious_entity": {"action": "block"}}}
    (report,) = guard(tmp_path).evaluate("see bad.example.com", overrides=only).reports
    assert report.outcome is Outcome.FAILED
