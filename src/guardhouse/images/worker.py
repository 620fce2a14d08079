"""The reader process: `python -m guardhouse.images.worker`, a socket as its standard input. Ends with its parent.

Hostile images are decoded here and nowhere else: under a limit of memory, without the settings' secrets, and with a
parent that ends it when it takes too long.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import Any

from guardhouse.images import frames
from guardhouse.images.reading import LATE, Line, Unreadable

MAX_LINES = 2_000
_WATCH_S = 1.0


def main() -> None:
    """Answers one request after the other until the other side is gone. Arguments: threads, megabytes."""
    threads, memory_mb = int(sys.argv[1]), int(sys.argv[2])
    _limit(memory_mb)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    with socket.socket(fileno=0) as peer, contextlib.suppress(EOFError, OSError):
        reader = _Reader(threads)
        frames.send(peer, {"ready": True})
        while True:
            message, blob = frames.receive(peer)
            frames.send(peer, *reader.answer(message, blob))


class _Reader:
    def __init__(self, threads: int) -> None:
        from guardhouse.images.ocr import Ocr

        self._ocr = Ocr(threads=threads)

    def answer(self, message: dict[str, Any], blob: bytes) -> tuple[dict[str, Any], bytes]:
        """`{"lines": [[text, box or null], ...], "unread": ...}`, or the painted image as the blob."""
        try:
            if message["boxes"] is None:
                lines, unread = self._read(blob, message["max_pixels"], message["until"])
                return {"lines": [[line.text, line.box] for line in lines], "unread": unread}, b""
            from guardhouse.images.paint import painted

            data, media_type = painted(blob, message["boxes"], max_pixels=message["max_pixels"])
            return {"media_type": media_type, "unread": ""}, data
        except Unreadable as error:
            return {"lines": [], "unread": str(error)}, b""

    def _read(self, data: bytes, max_pixels: int, until: float) -> tuple[list[Line], str]:
        import numpy as np

        from guardhouse.images.codes import code_lines
        from guardhouse.images.decode import decode
        from guardhouse.images.faint import faint_print
        from guardhouse.images.metadata import metadata_lines
        from guardhouse.images.svg import is_svg, svg_lines

        if is_svg(data):
            return svg_lines(data)
        decoded = decode(data, max_pixels=max_pixels)
        printed: list[Line] = []
        codes: dict[str, Line] = {}
        late = ""
        for picture in decoded.pictures:
            pixels = np.asarray(picture)
            for code in code_lines(pixels):
                codes.setdefault(code.text, code)
            told = {line.text for line in printed}  # in another frame, or on another ground
            for way in (pixels, faint_print(pixels)):
                if way is not None and not late:
                    lines, is_whole = self._ocr.lines(way, until=until)
                    printed += [line for line in lines if line.text not in told]
                    late = "" if is_whole else LATE
            if late:
                break
        metadata, left_out = metadata_lines(decoded.image)
        found = [*printed, *codes.values(), *metadata]
        more = "it has more lines than are read" if len(found) > MAX_LINES else ""
        return found[:MAX_LINES], late or decoded.unread or left_out or more


def _limit(memory_mb: int) -> None:
    """No more memory than `memory_mb`, no core dumps, and behind whoever judges texts when there is little time."""
    if sys.platform == "win32":
        return
    import resource

    size = memory_mb * 1024 * 1024
    for limit, value in ((resource.RLIMIT_DATA, size), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(limit)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))
    os.nice(5)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(0)


if __name__ == "__main__":
    main()
