"""What it costs to have: import, first verdict as a library, memory and installed size."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from measure import ROOT, Section

RUNS = 5
PROBE = """
import re, time
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024)
"""


def footprint(*, quick: bool = False) -> list[Section]:
    """Import, library start, memory, size."""
    runs = 2 if quick else RUNS
    rows = []
    for label, work in (
        ("`import guardhouse`", "import guardhouse"),
        ("`from guardhouse import Guard`", "from guardhouse import Guard"),
        (
            "... and its first verdict",
            "from guardhouse import Guard\nGuard().evaluate('Which gate does the flight leave from?')",
        ),
        ("`from guardhouse import GuardClient`", "from guardhouse import GuardClient"),
    ):
        seconds, memory = best(work, runs)
        rows.append([label, f"{seconds:.3f} s", f"{memory / 2**20:.0f} MB"])
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    text = (
        f"Best of {runs} fresh processes; time inside the process, largest resident memory. Starting Python itself "
        f"takes {time.perf_counter() - began:.2f} s beside it. Installed without extras, Guardhouse and its needs take "
        f"{installed_bytes() / 2**20:.0f} MB."
    )
    return [Section("Import, start and size as a library", text, ["", "time", "memory"], rows)]


def best(work: str, runs: int) -> tuple[float, float]:
    """The fastest of some fresh processes: its seconds and its memory in bytes."""
    code = PROBE.format(work=work)
    outcomes = []
    for _ in range(runs):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, memory = run.stdout.split()[-2:]
        outcomes.append((float(seconds), float(memory)))
    return min(outcomes)


def installed_bytes() -> int:
    """Sizes of everything that `requirements.lock` installed here, and of our own package."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    total = sum(file.stat().st_size for file in (ROOT / "src").rglob("*") if file.is_file())
    for name in names:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue
        total += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
    return total
