"""Source code in texts."""

from __future__ import annotations

import pytest
from evidence import findings_of

from guardhouse.detectors.content.code import MAX_BLOCKS, CodeDetector

DETECTOR = CodeDetector()
PYTHON = "import os\n\ndef total(values):\n    return sum(value for value in values)\n\nprint(total([1, 2]))"
SQL = "SELECT name, price FROM products WHERE id = 7;"


@pytest.mark.parametrize(
    ("text", "language", "part"),
    [
        (f"Look:\n```python\n{PYTHON}\n```\nthanks", "python", PYTHON + "\n"),
        (f"Look:\n```py title=a\n{PYTHON}\n```", "python", PYTHON + "\n"),
        ("```sh\nls -la\n```", "shell", "ls -la\n"),
        (f"~~~\n{SQL}\n~~~", "sql", SQL + "\n"),
        (f"```sql\n{SQL}", "sql", SQL),
        (f"Please explain this:\n{PYTHON}\nWhat does it do?", "python", PYTHON),
        (SQL, "sql", SQL),
    ],
    ids=["named", "alias", "shell", "unnamed", "unclosed", "bare", "one-line"],
)
def test_code_is_found_where_it_stands(text: str, language: str, part: str) -> None:
    (finding,) = findings_of(DETECTOR, text)
    assert finding.span is not None
    assert (finding.kind, finding.value) == ("CODE", language)
    assert text[finding.span.start : finding.span.end] == part
    assert finding.confidence >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is the weather like today?",
        "Dear team; please note:\n- buy milk\n- sell eggs\nThanks",
        "```\njust some quoted words of a mail\n```",
        '```json\n{"a": 1}\n```',
        "```text\nhello\n```",
        "``` \n\n```",
        "The function f(x) = 2x is linear.",
    ],
)
def test_prose_and_data_are_no_code(text: str) -> None:
    assert findings_of(DETECTOR, text) == []


def test_the_number_of_blocks_is_bounded() -> None:
    assert len(findings_of(DETECTOR, "```python\nx = 1\n```\n" * 50)) == MAX_BLOCKS


def test_arguments_of_tools_are_left_to_their_detector() -> None:
    call = {"id": "c", "function": {"name": "run", "arguments": '{"code": "import os\\nprint(os.getcwd())\\n"}'}}
    assert findings_of(DETECTOR, [{"role": "assistant", "content": "", "tool_calls": [call]}]) == []
