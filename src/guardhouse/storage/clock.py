"""Times as the store keeps them: whole microseconds since 1970, UTC, the same on every back end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(time: datetime) -> int:
    """Microseconds since 1970. `time` must be aware."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def from_us(time_us: int) -> datetime:
    """The aware UTC time of `time_us`."""
    return _EPOCH + timedelta(microseconds=time_us)


def now_utc() -> datetime:
    """The time now, aware."""
    return datetime.now(UTC)
