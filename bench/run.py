"""Runs the benchmarks and writes `bench/RESULTS.md`: `make bench`, or `python bench/run.py --only latency --quick`."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from measure import ROOT, Section, machine_facts

RESULTS = ROOT / "bench" / "RESULTS.md"
QUALITY = {
    "quality.py": (
        "Recall and false alarms: prompt attacks and harmful content",
        ["--brief", "--limit", "1000", "--data", "DATA", "--plots", "docs"],
    ),
    "robustness.py": ("Robustness: prompt attacks disguised and buried", ["--limit", "60", "--data", "DATA"]),
    "sensitive.py": ("Recall and precision: personal data and secrets", ["DATA"]),
    "sensitive_aims.py": ("Aims: secrets in chat, malicious entities, offsets", ["DATA"]),
    "tool_calls.py": ("Recall and false alarms: tool calls", ["--data", "DATA"]),
}
"""Title and arguments of each; they need the labelled corpora, which are not part of the repository."""
QUALITY_LIMIT_S = 480


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
    parser.add_argument(
        "--only",
        nargs="*",
        help="latency, hostile, server, footprint, images, redaction, peers, quality; all when left out",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to try the benchmarks themselves")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of labelled corpora")
    parser.add_argument("--output", type=Path, help="file to write; RESULTS.md when everything runs at full length")
    options = parser.parse_args()
    if options.output is None and not options.only and not options.quick:
        options.output = RESULTS
    return options


def benches() -> dict[str, Callable[..., list[Section]]]:
    from footprint import footprint
    from hostile import hostile
    from latency import latency
    from peers import peers

    from images import images
    from redaction import redaction
    from server import server

    return {
        "latency": latency,
        "hostile": hostile,
        "server": server,
        "footprint": footprint,
        "images": images,
        "redaction": redaction,
        "peers": peers,
    }


def quality(data: Path) -> list[str]:
    """What the quality benchmarks print, or why they did not run."""
    parts = []
    for name, (title, flags) in QUALITY.items():
        script = Path(__file__).parent / name
        parts.append(f"## {title}\n\n{_outcome(script, flags, data).strip()}\n")
    return parts


def _outcome(script: Path, flags: list[str], data: Path) -> str:
    """What a script printed (its headings one level lower, plain tables as they are), or why there is nothing."""
    if not data.is_dir():
        return "Not run: the labelled corpora are not on this machine (`--data`)."
    print(f"{script.name} ...", file=sys.stderr, flush=True)
    command = [sys.executable, str(script), *(str(data) if flag == "DATA" else flag for flag in flags)]
    try:
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=QUALITY_LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"Not finished in {QUALITY_LIMIT_S} s."
    if run.returncode:
        return f"Failed: {(run.stderr.strip().splitlines() or ['no message'])[-1]}"
    if "|---" not in run.stdout:
        return f"```text\n{run.stdout.strip()}\n```"
    return re.sub(r"^(#+ )", r"#\1", run.stdout, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
