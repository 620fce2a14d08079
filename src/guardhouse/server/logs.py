"""Logs on standard error: one line per record, as text or JSON, never with the words of an exception.

An exception's message can hold what was being judged (`KeyError('...')`), so a traceback is written as places and type
names only.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from guardhouse.settings import Settings

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
MAX_FRAMES = 20


def log_config(settings: Settings) -> dict[str, Any]:
    """A `logging.config` dictionary for the whole process, uvicorn's loggers included."""
    formatter = "JsonFormatter" if settings.log_format == "json" else "TextFormatter"
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"guardhouse.server.logs.{formatter}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "guardhouse": {"level": level},
            "uvicorn": {"level": level},
            "uvicorn.error": {"level": level},
        },
    }


class _LineFormatter(logging.Formatter):
    """What both forms share. `extra={"fields": {...}}` adds members to a record."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name is logging's)
        """Type names and places, innermost last."""
        return " | ".join(_causes(ei[1]))

    def moment(self, record: logging.LogRecord) -> str:
        """UTC, in milliseconds."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(_LineFormatter):
    """`time LEVEL logger: message name=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        line = f"{self.moment(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}"
        fields = getattr(record, "fields", None) or {}
        line += "".join(f" {name}={_one_line(str(value))}" for name, value in fields.items() if value not in ("", None))
        if record.exc_info:
            line += f" [{self.formatException(record.exc_info)}]"
        return line


class JsonFormatter(_LineFormatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        entry: dict[str, Any] = {
            "time": self.moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update({name: value for name, value in (getattr(record, "fields", None) or {}).items() if value != ""})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _causes(error: BaseException | None) -> list[str]:
    """The chain of causes, outermost first, each as its type and where it came from."""
    lines: list[str] = []
    while error is not None and len(lines) < MAX_FRAMES:
        frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
        places = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
        lines.append(f"{type(error).__module__}.{type(error).__qualname__} at {places or 'nowhere'}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def _one_line(text: str) -> str:
    """`text` without line breaks and control characters, so that a caller's words cannot forge a log line."""
    return "".join(character if character.isprintable() else " " for character in text)
