"""What the benchmarks share: percentiles, tables, the machine's facts and a section of the report."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Section:
    """A part of `RESULTS.md`: what was measured, how, and a table."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", self.text, ""]
        if self.rows:
            lines += ["| " + " | ".join(self.header) + " |", "|" + "---|" * len(self.header)]
            lines += ["| " + " | ".join(row) + " |" for row in self.rows]
            lines.append("")
        return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 1000 else f"{seconds:.2f} s"


def machine_facts() -> list[tuple[str, str]]:
    """What a reader needs in order to weigh the figures."""
    packages = ("google-re2", "numpy", "onnxruntime", "starlette", "uvicorn", "sqlalchemy", "msgspec")
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores visible, {len(os.sched_getaffinity(0))} usable"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"),
        ("python", platform.python_version()),
        ("packages", ", ".join(f"{name} {metadata.version(name)}" for name in packages)),
        ("guardhouse", f"{metadata.version('guardhouse')}, commit {_commit()}"),
        ("load before the run", f"{os.getloadavg()[0]:.1f}"),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    run = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return run.stdout.strip() or "unknown"
