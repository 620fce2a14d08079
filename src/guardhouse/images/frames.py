"""Messages between a server worker and its reader process: a JSON object and a run of bytes."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEAD = struct.Struct(">II")
_MAX_BYTES = 256 * 1024 * 1024


def send(peer: socket.socket, message: dict[str, Any], blob: bytes = b"") -> None:
    """Sends one message. Raises `OSError`, `TimeoutError` too."""
    head = json.dumps(message).encode()
    peer.sendall(_HEAD.pack(len(head), len(blob)) + head)
    peer.sendall(blob)


def receive(peer: socket.socket) -> tuple[dict[str, Any], bytes]:
    """The next message. Raises `EOFError` when the other side has ended, `ValueError` for what is none, `OSError`."""
    head_size, blob_size = _HEAD.unpack(_exactly(peer, _HEAD.size))
    if head_size + blob_size > _MAX_BYTES:
        raise ValueError("a message is too large")
    message = json.loads(_exactly(peer, head_size))
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message, _exactly(peer, blob_size)


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = peer.recv(min(size - len(data), 1024 * 1024))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
