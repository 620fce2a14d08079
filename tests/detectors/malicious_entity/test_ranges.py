"""Networks cut into ranges, against a look through all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardhouse.detectors.malicious_entity.ranges import Ranges, disjoint

NETWORKS = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 8)).map(
        lambda drawn: (drawn[0] >> drawn[1] << drawn[1], (drawn[0] >> drawn[1] << drawn[1]) + 2 ** drawn[1] - 1)
    ),
    max_size=20,
    unique=True,
)


@given(NETWORKS)
def test_the_innermost_network_speaks(networks: list[tuple[int, int]]) -> None:
    ranges = Ranges(disjoint((start, end, (start, end)) for start, end in networks))
    for address in range(256):
        holding = [one for one in networks if one[0] <= address <= one[1]]
        assert ranges.find(address) == min(holding, key=lambda one: one[1] - one[0], default=None)


def test_neighbours_that_say_the_same_become_one() -> None:
    assert list(disjoint([(0, 3, "a"), (4, 7, "a"), (8, 9, "b"), (12, 13, "b")])) == [
        (0, 7, "a"),
        (8, 9, "b"),
        (12, 13, "b"),
    ]
    assert len(Ranges(disjoint([(0, 3, "a"), (4, 7, "a")]))) == 1


def test_nothing_is_in_no_range() -> None:
    assert Ranges[str]([]).find(5) is None
