"""Keeps a Python process on loopback: every other connection or name look-up raises and is noted.

`refuse` does so in the test process, `environment` in any Python process that a test starts, and in its children.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

LOG_VARIABLE = "LOOPBACK_LOG"

attempts: list[str] = []
"""What was tried, such as `socket.connect example.org`."""


class OutsideConnection(RuntimeError):
    """Not an OSError on purpose: code that shrugs off a failed connection must not shrug off this one."""


def is_loopback(host: object) -> bool:
    """True for hosts that stay on this machine; None and the empty string listen or mean the local side."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def environment(folder: Path) -> dict[str, str]:
    """Variables under which a Python process and its children refuse too; `noted(folder)` is what they tried.

    They run on asyncio's own loop: uvloop opens its connections where no audit hook sees them.
    """
    site = folder / "site"
    site.mkdir()
    code = "import sys\nimport loopback\nsys.modules['uvloop'] = None\nloopback.refuse()\n"
    (site / "sitecustomize.py").write_text(code, "utf-8")
    path = os.pathsep.join([str(site), str(Path(__file__).parent)])
    return {"PYTHONPATH": path, LOG_VARIABLE: str(folder / "attempts")}


def noted(folder: Path) -> list[str]:
    """What processes under `environment(folder)` tried."""
    log = folder / "attempts"
    return log.read_text("utf-8").splitlines() if log.exists() else []


def refuse() -> None:
    """From now on, and for good (an audit hook cannot be taken back), only loopback can be reached."""
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address and isinstance(address[0], str) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not is_loopback(host):
        attempts.append(f"{event} {host}")
        if log := os.environ.get(LOG_VARIABLE):
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{event} {host}\n")
        raise OutsideConnection(f"only loopback may be reached, not {host!r} ({event})")
