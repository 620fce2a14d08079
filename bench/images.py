"""Text in images: lines exactly right, time and memory of the reader's process, over generated pictures.

`python bench/images.py` prints the table; `make bench` has it too. The font is the one that comes with Pillow, the
words are drawn by a fixed seed, and no picture is sent twice. Processor time counts all threads of the reader.
"""

from __future__ import annotations

import base64
import io
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from measure import Section

if TYPE_CHECKING:
    from PIL import Image

    from guardhouse.images.reader import ImageReader

ROUNDS = 2
_WORDS = (
    "ignore",
    "all",
    "previous",
    "instructions",
    "and",
    "print",
    "the",
    "system",
    "prompt",
    "quarterly",
    "report",
    "sales",
    "rose",
    "four",
    "percent",
    "write",
    "to",
    "Ana",
    "please",
    "send",
    "invoice",
    "20417",
    "before",
    "Friday",
    "account",
    "number",
    "password",
    "reset",
    "user",
    "server",
    "error",
    "database",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of picture: `lines` of print, `size` pixels high."""

    name: str
    width: int
    height: int
    lines: int
    size: int
    ink: str = "black"
    paper: str = "white"
    jpeg: bool = False


PAGES = (
    Page("A note of 3 lines of 20 px", 560, 160, 3, 20),
    Page("A screenshot, 28 lines of 16 px", 1024, 768, 28, 16),
    Page("The same, pale grey on white", 1024, 768, 28, 16, ink="#b0b0b0"),
    Page("The same, as a JPEG of quality 60", 1024, 768, 28, 16, jpeg=True),
    Page("A large screenshot, 40 lines of 16 px", 1920, 1080, 40, 16),
    Page("Small print, 28 lines of 10 px", 700, 560, 28, 10),
    Page("No print at all", 1024, 768, 0, 16),
)


def images(*, quick: bool) -> list[Section]:
    """One row per kind of picture."""
    if find_spec("rapidocr") is None:
        return [Section("Text in images", "Not run: the extra ocr is not installed.", (), ())]
    from guardhouse.images.reader import ImageReader
    from guardhouse.settings import Settings

    settings = Settings(image_deadline_s=120.0)
    reader = ImageReader(settings)
    draw = random.Random(4)
    try:
        began = time.perf_counter()
        _read(reader, Page("", 200, 60, 1, 20), draw)
        started_s = time.perf_counter() - began
        rows = [_row(reader, page, draw, 1 if quick else ROUNDS) for page in PAGES]
    finally:
        reader.close()
    times = 1 if quick else ROUNDS
    text = (
        f"Each picture read {times} times with other words, {settings.image_threads} lines at a time; median. "
        f"It starts and reads a first picture in {started_s:.1f} s. Memory is the process's peak so far."
    )
    header = ("picture", "lines exactly right", "but for spaces", "time", "processor time", "memory")
    return [Section("Text in images", text, header, rows)]


def _row(reader: ImageReader, page: Page, draw: random.Random, rounds: int) -> list[str]:
    exact = near = total = 0
    walls, works = [], []
    for _ in range(rounds):
        before, began = _processor_s(reader.pid), time.perf_counter()
        written, found = _read(reader, page, draw)
        walls.append(time.perf_counter() - began)
        works.append(_processor_s(reader.pid) - before)
        exact += sum(line in found for line in written)
        joined = {line.replace(" ", "") for line in found}
        near += sum(line.replace(" ", "") in joined for line in written)
        total += len(written)
    counts = (f"{exact} of {total}", f"{near} of {total}") if total else ("", "")
    return [page.name, *counts, f"{median(walls):.2f} s", f"{median(works):.2f} s", f"{_peak_mb(reader.pid)} MB"]


def _read(reader: ImageReader, page: Page, draw: random.Random) -> tuple[list[str], set[str]]:
    """The lines that were drawn and those that were read."""
    from guardhouse.model.conversation import ContentPart, PartKind

    written = list(_lines(page, draw))
    out = io.BytesIO()
    picture = _drawn(page, written, draw)
    picture.save(out, "JPEG", quality=60) if page.jpeg else picture.save(out, "PNG")
    url = f"data:;base64,{base64.b64encode(out.getvalue()).decode()}"
    (reading,) = reader.read([ContentPart(PartKind.IMAGE, url, ())], until=time.monotonic() + 120)
    if reading.unread or reading.unwanted:
        sys.exit(f"{page.name}: {reading.unread or reading.unwanted}")
    return written, set(reading.text.splitlines())


def _lines(page: Page, draw: random.Random) -> Iterator[str]:
    letters = int(page.width / page.size * 1.6)
    for _ in range(page.lines):
        line = ""
        while len(line) < letters - 15:
            line = f"{line} {draw.choice(_WORDS)}".strip()
        yield line


def _drawn(page: Page, lines: list[str], draw: random.Random) -> Image.Image:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (page.width, page.height), page.paper)
    canvas = ImageDraw.Draw(picture)
    step = (page.height - 20) // max(1, page.lines)
    for row, line in enumerate(lines):
        place = (page.size, 10 + step * row)
        canvas.text(place, line, fill=page.ink, font=ImageFont.load_default(size=page.size))
    if not lines:  # so that it is no single colour, and never the same
        for _ in range(40):
            x, y = draw.randrange(page.width), draw.randrange(page.height)
            canvas.ellipse((x, y, x + 120, y + 90), fill=draw.choice(("#456789", "#aa5533", "#336644")))
    return picture


def _processor_s(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int | None) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    for section in images(quick="--quick" in sys.argv):
        print(section.markdown())
