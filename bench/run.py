"""Runs the benchmarks and writes `bench/RESULTS.md`: `make bench`, or `python bench/run.py --only latency --quick`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from measure import ROOT, Section, machine_facts

RESULTS = ROOT / "bench" / "RESULTS.md"
QUALITY = ("quality.py", "sensitive.py", "tool_calls.py")
"""Each prints Markdown; they need the labelled corpora, which are not part of the repository."""
QUALITY_LIMIT_S = 300


def main() -> None:
    options = arguments()
    began = time.perf_counter()
    facts = machine_facts()
    parts: list[str] = []
    for name, bench in benches().items():
        if options.only and name not in options.only:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        parts += [section.markdown() for section in bench(quick=options.quick)]
    if not options.only or "quality" in options.only:
        parts += quality(options.data)
    command = "make bench" + (f' ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else "")
    lines = [
        "# Results",
        "",
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, in {time.perf_counter() - began:.0f} s.",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts), ""]
    report = "\n".join([*lines, *parts]).rstrip() + "\n"
    print(report)
    if options.output:
        options.output.write_text(report, "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="latency, server, footprint, peers, quality; all when left out")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to try the benchmarks themselves")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of labelled corpora")
    parser.add_argument("--output", type=Path, help="file to write; RESULTS.md when everything runs at full length")
    options = parser.parse_args()
    if options.output is None and not options.only and not options.quick:
        options.output = RESULTS
    return options


def benches() -> dict[str, Callable[..., list[Section]]]:
    from footprint import footprint
    from latency import latency
    from peers import peers

    from server import server

    return {"latency": latency, "server": server, "footprint": footprint, "peers": peers}


def quality(data: Path) -> list[str]:
    """What the quality benchmarks print, or why they did not run."""
    parts = []
    for name in QUALITY:
        script = Path(__file__).parent / name
        if not script.is_file():
            continue
        if not data.is_dir():
            parts.append(f"## {script.stem}\n\nNot run: the labelled corpora are not on this machine (`--data`).\n")
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            run = subprocess.run(
                [sys.executable, script, "--data", data], capture_output=True, text=True, timeout=QUALITY_LIMIT_S
            )
        except subprocess.TimeoutExpired:
            parts.append(f"## {script.stem}\n\nNot finished in {QUALITY_LIMIT_S} s.\n")
            continue
        if run.returncode:
            last = run.stderr.strip().splitlines()[-1:] or ["no message"]
            parts.append(f"## {script.stem}\n\nFailed: {last[0]}\n")
        else:
            parts.append(run.stdout.strip() + "\n")
    return parts


if __name__ == "__main__":
    main()
