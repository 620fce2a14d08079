"""What a million indicators cost: time to build and to look up, and memory that the workers share.

`python bench/intel.py [COUNT]` prints a table. Indicators are generated (four in ten links, half domains, a tenth
addresses; besides 20,000 networks), a fixed seed. Memory is the index alone: the growth of a fresh process that maps
it, from /proc/self/smaps, after looking up 200,000 known and 200,000 unknown keys, and again with every page touched.
Times are processor time, so that other work on the machine counts little.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from guardhouse.detectors.malicious_entity.index import MappedThreats
from guardhouse.detectors.malicious_entity.lists import ImportedLists, ListFacts
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat, find_address, find_domain, find_url

NETWORKS = 20_000
LOOK_UPS = 200_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ENDINGS = ("com", "net", "org", "ru", "cn", "top", "xyz", "info", "io", "co.uk")


def _word(draw: random.Random, low: int, high: int) -> str:
    return "".join(draw.choices(_LETTERS, k=draw.randint(low, high)))


def _keys(seed: int, count: int) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(count):
        domain = f"{_word(draw, 6, 18)}.{draw.choice(_ENDINGS)}"
        kind = draw.random()
        if kind < 0.4:
            yield f"http://{domain}/{_word(draw, 3, 10)}/{_word(draw, 4, 14)}"
        elif kind < 0.9:
            yield domain
        else:
            yield str(IPv4Address(draw.randrange(2**24, 2**31)))


def _indicators(count: int) -> Iterator[Indicator]:
    threats = [Threat(category, "bench") for category in ("malware", "phishing", "spam")]
    for number, key in enumerate(_keys(1, count)):
        yield Indicator(key, threats[number % 3])
    draw = random.Random(2)
    for number in range(NETWORKS):
        if number % 2:
            start: object = IPv4Address(draw.randrange(2**24, 2**31) >> 8 << 8)
            yield Indicator(f"{start}/24", threats[0])
        else:
            start = IPv6Address((0x2001 << 112) | draw.getrandbits(80) << 32 >> 64 << 64)
            yield Indicator(f"{start}/64", threats[0])


def _index_kib(path: Path) -> int:
    """KiB of the mapped file that are resident."""
    inside = False
    total = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0] and ":" not in line.split(" ", 1)[0]:
            inside = line.endswith(str(path))
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def _plain_kib() -> int:
    """KiB of this process's own memory, files left out."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0])


def _touch(threats: MappedThreats) -> None:
    """Reads a byte of every page of the sections that grow with the number of indicators."""
    for name in ("_buckets", "_hashes", "_ends", "_facts", "_expires", "_texts"):
        section = getattr(threats, name).cast("B")
        for place in range(0, len(section), 4096):
            section[place]


def measure(data_dir: Path, count: int) -> dict[str, float]:
    """Figures of one process that serves look-ups."""
    known = [_as_key(key) for key in _keys(1, min(LOOK_UPS, count))]
    unknown = [_as_key(key) for key in _keys(3, LOOK_UPS)]
    path = ImportedLists(data_dir).index
    before = _plain_kib()
    start = time.process_time()
    threats = MappedThreats(path)
    opened = time.process_time() - start
    figures: dict[str, float] = {"open_ms": opened * 1e3, "file_mb": path.stat().st_size / 2**20}
    for name, keys in (("known", known), ("unknown", unknown)):
        start = time.process_time()
        hits = sum(threats.find(key) is not None for key in keys)
        figures[f"{name}_us"] = (time.process_time() - start) / len(keys) * 1e6
        figures[f"{name}_hits"] = hits / len(keys)
    figures["private_mb"] = (_plain_kib() - before) / 1024
    figures["resident_mb"] = _index_kib(path) / 1024
    draw = random.Random(4)
    v4 = [IPv4Address(draw.randrange(2**24, 2**31)) for _ in range(50_000)]
    v6 = [IPv6Address((0x2001 << 112) | draw.getrandbits(112)) for _ in range(50_000)]
    for name, addresses in (("v4", v4), ("v6", v6)):
        start = time.process_time()
        for address in addresses:
            threats.find_range(address)
        figures[f"{name}_us"] = (time.process_time() - start) / len(addresses) * 1e6
    asks: dict[str, Callable[[], Threat | None]] = {
        "domain_us": lambda: find_domain(threats, "cdn.files.example.com"),
        "url_us": lambda: find_url(threats, "//cdn.files.example.com/a/b/c.html?q=1"),
        "address_us": lambda: find_address(threats, v4[0]),
    }
    for label, ask in asks.items():
        start = time.process_time()
        for _ in range(20_000):
            ask()
        figures[label] = (time.process_time() - start) / 20_000 * 1e6
    _touch(threats)
    figures["touched_mb"] = _index_kib(path) / 1024
    return figures


def _as_key(value: str) -> str:
    return value.removeprefix("http:")


def main() -> None:
    """Builds, then measures in a fresh process."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        store = ImportedLists(Path(folder))
        start = time.process_time()
        done = store.add(ListFacts("bench", "bench", "plain", "generated", int(time.time())), _indicators(count))
        imported = time.process_time() - start
        start = time.process_time()
        store.rebuild()
        rebuilt = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        command = [sys.executable, __file__, "--measure", folder, str(count)]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = [
        ("Indicators", f"{done.indicators:,}"),
        ("Import, with reading every indicator as a browser would", f"{imported:.1f} s"),
        ("Index of all lists built anew", f"{rebuilt:.1f} s"),
        ("Memory of the importing process, at most", f"{peak:.0f} MB"),
        ("Index file", f"{figures['file_mb']:.1f} MB"),
        ("Opened in", f"{figures['open_ms']:.2f} ms"),
        ("Resident after 400,000 random look-ups (shared)", f"{figures['resident_mb']:.1f} MB"),
        ("Resident with every page touched (shared)", f"{figures['touched_mb']:.1f} MB"),
        ("Memory of its own in each worker", f"{figures['private_mb']:.1f} MB"),
        (f"Look-up of a known key (found {figures['known_hits']:.0%})", f"{figures['known_us']:.2f} us"),
        (f"Look-up of an unknown key (found {figures['unknown_hits']:.2%})", f"{figures['unknown_us']:.2f} us"),
        ("Look-up of an IPv4 address among networks", f"{figures['v4_us']:.2f} us"),
        ("Look-up of an IPv6 address among networks", f"{figures['v6_us']:.2f} us"),
        ("A host name of 4 labels with all above it", f"{figures['domain_us']:.2f} us"),
        ("A link with query and 3 steps, with all above it", f"{figures['url_us']:.2f} us"),
        ("An address, itself and its networks", f"{figures['address_us']:.2f} us"),
    ]
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
