"""The guard rails of the test run itself hold."""

from __future__ import annotations

import os
import socket

import loopback
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.org", 80)])
def test_outside_connection_is_refused(address: tuple[str, int]) -> None:
    with pytest.raises(loopback.OutsideConnection):
        socket.create_connection(address, timeout=0.1)
    loopback.attempts.clear()


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_no_setting_leaks_in() -> None:
    assert not [name for name in os.environ if name.startswith(("GUARDHOUSE_", "DD_API_KEY", "PANGEA"))]
