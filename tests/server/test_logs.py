from __future__ import annotations

import json
import logging
import sys

import pytest

from guardhouse.server.logs import JsonFormatter, TextFormatter

SECRET = "AKIAIOSFODNN7EXAMPLE"


def failing_record() -> logging.LogRecord:
    try:
        try:
            {}[SECRET]
        except KeyError as error:
            raise ValueError(f"cannot judge {SECRET}") from error
    except ValueError:
        return logging.LogRecord(
            "guardhouse.server", logging.ERROR, __file__, 1, "unexpected %s", ("x",), sys.exc_info()
        )


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_the_words_of_an_exception_are_never_written(formatter: logging.Formatter) -> None:
    line = formatter.format(failing_record())
    assert SECRET not in line
    assert "\n" not in line
    assert "builtins.ValueError at test_logs.py:" in line
    assert "builtins.KeyError at test_logs.py:" in line
    assert "failing_record" in line


def test_text_form() -> None:
    record = logging.LogRecord("guardhouse.request", logging.INFO, "", 1, "request", (), None)
    record.fields = {"status": 200, "error": "", "path": "/x\ny"}
    line = TextFormatter().format(record)
    assert line.endswith("INFO guardhouse.request: request status=200 path=/x y")


def test_json_form() -> None:
    record = logging.LogRecord("guardhouse.request", logging.INFO, "", 1, "request", (), None)
    record.fields = {"status": 200, "error": "", "path": "/x\ny"}
    entry = json.loads(JsonFormatter().format(record))
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "info",
        "logger": "guardhouse.request",
        "message": "request",
        "status": 200,
        "path": "/x\ny",
    }
