"""Every pattern of every pack matches its examples and leaves its near misses alone."""

from __future__ import annotations

from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pack import PackEntry, load_pack, read_pack
from guardhouse.text.normalize import normalize

DETECTORS = Path(str(resources.files("guardhouse.detectors")))


def packs() -> list[tuple[str, str]]:
    """Package and file name of each pack that lies somewhere under the detectors."""
    found = sorted(DETECTORS.rglob("pack*.toml"))
    return [
        (".".join(("guardhouse.detectors", *file.parent.relative_to(DETECTORS).parts)), file.name) for file in found
    ]


def entries() -> list[object]:
    return [
        pytest.param(entry, id=f"{package.removeprefix('guardhouse.detectors.')}/{name}:{entry.pattern.id}")
        for package, name in packs()
        for entry in read_pack(package, name)
    ]


@pytest.mark.parametrize("entry", entries())
def test_examples_match_and_near_misses_do_not(entry: PackEntry) -> None:
    matcher = Matcher([entry.pattern])
    missed = [text for text in entry.examples if not matcher.scan(normalize(text))]
    caught = [text for text in entry.near_misses if matcher.scan(normalize(text))]
    assert (missed, caught) == ([], [])


def test_all_packs_fit_into_one_matcher() -> None:
    patterns = [pattern for package, name in packs() for pattern in load_pack(package, name)]
    repeated = [id_ for id_, times in Counter(pattern.id for pattern in patterns).items() if times > 1]
    assert repeated == []
    assert Matcher(patterns).patterns == tuple(patterns)


def test_a_hit_in_a_crowd_is_the_hit_alone() -> None:
    """The shared filter loses no example that the pattern finds by itself."""
    everything = [entry for package, name in packs() for entry in read_pack(package, name)]
    crowd = Matcher([entry.pattern for entry in everything])
    for entry in everything:
        alone = Matcher([entry.pattern])
        for text in entry.examples:
            normalized = normalize(text)
            spans = [hit.span for hit in alone.scan(normalized)[entry.pattern.id]]
            assert [hit.span for hit in crowd.scan(normalized)[entry.pattern.id]] == spans, entry.pattern.id
