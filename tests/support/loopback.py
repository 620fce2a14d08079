"""Keeps a Python process on loopback: every other connection or name look-up raises and is noted.

Usable in a test process (`refuse`) and, by naming this folder in PYTHONPATH with `sitecustomize.py` beside it, in any
process that a test starts.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

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
        raise OutsideConnection(f"only loopback may be reached, not {host!r} ({event})")
