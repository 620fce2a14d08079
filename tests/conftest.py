"""For every test: no setting leaks in from outside, and nothing but loopback can be reached."""

from __future__ import annotations

import os

import loopback

pytest_plugins = ["running"]

_SCRUBBED = (
    "GUARDHOUSE_",
    "DD_",
    "PANGEA",
    "AI_GUARD",
    "TREND",
    "CS_AIDR",
    "OTEL_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)

for _name in [name for name in os.environ if name.upper().startswith(_SCRUBBED)]:
    del os.environ[_name]

loopback.refuse()
