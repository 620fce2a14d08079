"""The mapped index: what goes in comes out, nothing else does, and a bad file is refused."""

from __future__ import annotations

import stat
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardhouse.detectors.malicious_entity import index
from guardhouse.detectors.malicious_entity.index import MappedThreats, hours_now, write_index
from guardhouse.detectors.malicious_entity.threats import Threat, find_address, find_domain, find_url
from guardhouse.errors import ConfigurationError

BAD = Threat("malware", "one")
WORSE = Threat("phishing", "two", score=100)
MILD = Threat("spam", "three", "suspicious", 40)


def built(tmp_path: Path, *entries: tuple[str, Threat, int]) -> MappedThreats:
    write_index(entries, tmp_path / "i")
    return MappedThreats(tmp_path / "i")


def test_every_kind_is_found_where_it_belongs(tmp_path: Path) -> None:
    threats = built(
        tmp_path,
        ("bad.example.com", BAD, 0),
        ("//files.example.com/a", WORSE, 0),
        ("198.51.100.7", MILD, 0),
        ("203.0.113.0/24", BAD, 0),
        ("203.0.113.128/25", WORSE, 0),
        ("2001:db8::/32", BAD, 0),
        ("2001:db8:1::/48", WORSE, 0),
    )
    assert len(threats) == 3 + 2 + 3  # networks are counted as the ranges they are cut into
    assert find_domain(threats, "a.bad.example.com") == BAD
    assert find_domain(threats, "example.com") is None
    assert find_url(threats, "//files.example.com/a/b?c") == WORSE
    assert find_url(threats, "//files.example.com/b") is None
    assert find_address(threats, ip_address("198.51.100.7")) == MILD
    assert find_address(threats, ip_address("198.51.100.8")) is None
    assert find_address(threats, ip_address("203.0.113.1")) == BAD
    assert find_address(threats, ip_address("203.0.113.200")) == WORSE
    assert find_address(threats, ip_address("203.0.114.0")) is None
    assert find_address(threats, ip_address("203.0.112.255")) is None
    assert find_address(threats, ip_address("2001:db8::1")) == BAD
    assert find_address(threats, ip_address("2001:db8:1::1")) == WORSE
    assert find_address(threats, ip_address("2001:db8:2::")) == BAD
    assert find_address(threats, ip_address("2001:db9::")) is None
    assert find_address(threats, ip_address("2001:db7:ffff::")) is None


KEYS = st.one_of(
    st.from_regex(r"[a-z]{1,3}\.[a-z]{2}", fullmatch=True),
    st.text(min_size=1, max_size=12).filter(lambda text: "/" not in text),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(KEYS, st.integers(1, 100), max_size=40), st.lists(KEYS, max_size=10))
def test_what_goes_in_comes_out_and_nothing_else(tmp_path: Path, known: dict[str, int], others: list[str]) -> None:
    threats = built(tmp_path, *((key, Threat("x", "y", score=score), 0) for key, score in known.items()))
    for key, score in known.items():
        found = threats.find(key)
        assert found is not None
        assert found.score == score
    assert all(threats.find(key) is None for key in others if key not in known)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**128 - 1), st.integers(40, 127)), max_size=12),
    st.integers(0, 2**128 - 1),
)
def test_wide_addresses_are_found_like_in_the_networks_themselves(
    tmp_path: Path, drawn: list[tuple[int, int]], other: int
) -> None:
    networks = {ip_network((value, length), strict=False) for value, length in drawn}
    threats = built(tmp_path, *((str(network), Threat(str(network), "y"), 0) for network in networks))
    edges = [edge + step for net in networks for edge in (int(net[0]), int(net[-1])) for step in (-1, 0, 1)]
    for value in [other, *edges]:
        if 2**32 <= value < 2**128:
            address = ip_address(value)
            holding = [network for network in networks if address in network]
            best = max(holding, key=lambda network: network.prefixlen, default=None)
            found = threats.find_range(address)
            assert (found.category if found else None) == (str(best) if best else None)


def test_of_one_indicator_twice_the_surer_stays(tmp_path: Path) -> None:
    later = hours_now() + 100
    threats = built(
        tmp_path,
        ("a.example.com", MILD, 0),
        ("a.example.com", BAD, 0),
        ("a.example.com", MILD, 0),
        ("10.0.0.0/9", BAD, later),
        ("10.0.0.0/9", MILD, 0),
    )
    assert threats.find("a.example.com") == BAD
    assert threats.find_range(ip_address("10.1.2.3")) == BAD
    assert len(threats) == 2


def test_equal_hashes_are_told_apart_by_their_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Same:
        """Every text has the same hash."""

        def __init__(self, **_: object) -> None: ...
        def copy(self) -> Same:
            return self

        def update(self, data: bytes) -> None: ...
        def digest(self) -> bytes:
            return b"\x7f" * 8

    monkeypatch.setattr("guardhouse.detectors.malicious_entity.index.hashlib.blake2b", Same)
    threats = built(tmp_path, *((f"{name}.example.com", Threat(name, "s"), 0) for name in ("a", "b", "c", "a")))
    assert len(threats) == 3
    for name in ("a", "b", "c"):
        assert threats.find(f"{name}.example.com") == Threat(name, "s")
    assert threats.find("d.example.com") is None


def test_what_has_expired_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = hours_now()
    threats = built(tmp_path, ("a.bad", BAD, now), ("b.bad", BAD, now + 2), ("10.0.0.0/8", BAD, now + 2))
    assert len(threats) == 2
    assert threats.find("b.bad") == BAD
    monkeypatch.setattr(index, "hours_now", lambda: now + 2)
    assert threats.find("b.bad") is None
    assert threats.find_range(ip_address("10.0.0.1")) is None


def test_an_empty_index_knows_nothing(tmp_path: Path) -> None:
    threats = built(tmp_path)
    assert len(threats) == 0
    assert threats.find("a.bad") is None
    assert threats.find_range(ip_address("10.0.0.1")) is None
    assert threats.find_range(ip_address("::1")) is None


def test_only_its_owner_reads_an_index_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    built(tmp_path, ("a.bad", BAD, 0))
    assert stat.S_IMODE((tmp_path / "i").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["i"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[:20], "no index"),
        (lambda data: b"", "no index"),
        (lambda data: data[:-8], "cut off"),
        (lambda data: data + b"12345678", "cut off"),
        (lambda data: b"X" + data[1:], "another form"),
        (lambda data: data[:30] + b"\xff" + data[31:], "another form"),
    ],
    ids=["short", "empty", "cut", "longer", "magic", "header"],
)
def test_a_bad_file_is_refused(tmp_path: Path, change: object, says: str) -> None:
    built(tmp_path, ("a.bad", BAD, 0))
    path = tmp_path / "i"
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match=says):
        MappedThreats(path)


def test_too_many_different_facts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_FACTS", 2)
    with pytest.raises(ConfigurationError, match="too many"):
        built(tmp_path, *((f"{n}.bad", Threat(str(n), "s"), 0) for n in range(5)))
    assert list(tmp_path.iterdir()) == []
