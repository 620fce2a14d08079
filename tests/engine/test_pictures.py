"""Images in a conversation: judged like any other text, painted over, and never called safe when they were not read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import cv2
import pictures
import pytest
from pictures import INJECTION, encoded, message, patient_settings, picture
from PIL import Image, PngImagePlugin

from guardhouse.engine.guard import Guard
from guardhouse.model.evaluation import Action, Evaluation, Outcome
from guardhouse.model.finding import Span
from guardhouse.model.policy import FailMode, Policy, Scope
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.testing import FakeDetector

FIRST = ("messages", 0, "content", 1, "image_url", "url")
MAIL = "ana.lima@corp-mail.net"
OWN = Recipe("no_images", "", "", (DetectorSetting("image", Rule(RuleAction.DISABLED)),))


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard(settings=patient_settings(), recipes=[OWN], policies={Scope("open"): Policy(fail_mode=FailMode.OPEN)})
    yield guard
    guard.close()


def outcome(evaluation: Evaluation) -> tuple[Outcome, str] | None:
    report = evaluation.report("image")
    return None if report is None else (report.outcome, report.detail)


def test_an_injection_in_an_image_is_denied(guard: Guard) -> None:
    evaluation = guard.evaluate([message(picture(INJECTION))])
    assert evaluation.action is Action.DENY
    assert evaluation.reason.startswith("Denied: an image in the user's message ")
    found = {(item.finding.kind, item.finding.path) for item in evaluation.report("prompt_attack").findings}
    assert ("INSTRUCTION_OVERRIDE", FIRST) in found
    assert outcome(evaluation) == (Outcome.DETECTED, "")
    (image,) = evaluation.report("image").findings
    assert (image.finding.kind, image.finding.path, image.finding.span) == ("IMAGE_TEXT", FIRST, None)
    assert evaluation.timings_ms["images"] > 0


def test_a_harmless_image_is_allowed(guard: Guard) -> None:
    evaluation = guard.evaluate([message(picture(["Quarterly report", "Sales rose by four percent"]))])
    assert (evaluation.action, outcome(evaluation)) == (Action.ALLOW, (Outcome.DETECTED, ""))
    blank = guard.evaluate([message(Image.new("RGB", (40, 40), "white"))])
    assert (blank.action, outcome(blank)) == (Action.ALLOW, (Outcome.NOT_DETECTED, ""))


def test_findings_count_in_the_recognised_text(guard: Guard) -> None:
    evaluation = guard.evaluate([message(picture(["Please write to", MAIL]))])
    (applied,) = evaluation.report("pii").findings
    assert (applied.finding.kind, applied.finding.span, applied.finding.value) == (
        "EMAIL_ADDRESS",
        Span(16, 16 + len(MAIL)),
        MAIL,
    )
    assert applied.finding.path == FIRST


def test_a_key_in_an_image_is_found(guard: Guard) -> None:
    key = "AKIA" + "QX4RT7WNZJ5KDLMB"
    evaluation = guard.evaluate([message(picture([f"aws_access_key_id = {key}"], size=28, width=800))])
    (applied,) = evaluation.report("secrets").findings
    assert (applied.finding.kind, applied.finding.value) == ("AWS_ACCESS_KEY_ID", key)


def test_the_channel_is_that_of_the_message(guard: Guard) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "screenshot", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": "What is on my screen?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {**message(picture(INJECTION), text="A screenshot:", role="tool"), "tool_call_id": "1"},
    ]
    evaluation = guard.evaluate(asked)
    assert evaluation.action is Action.DENY
    assert "INDIRECT_PROMPT_INJECTION" in evaluation.flagged
    assert "an image in a tool result" in evaluation.reason


def test_a_code_that_leads_to_a_bad_place_is_found(guard: Guard) -> None:
    link = "http://paypa1-login.com/verify"
    code = Image.fromarray(cv2.QRCodeEncoder.create().encode(link)).convert("RGB")
    sheet = code.resize((330, 330), Image.Resampling.NEAREST)
    evaluation = guard.evaluate([message(sheet)])
    assert [item.finding.value for item in evaluation.report("malicious_entity").findings] == [link]


def test_an_injection_beside_the_pixels_is_found(guard: Guard) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", " ".join(INJECTION))
    evaluation = guard.evaluate([message(encoded(Image.new("RGB", (40, 40), "white"), pnginfo=info))])
    assert evaluation.action is Action.DENY


def test_only_judged_messages_are_read(guard: Guard) -> None:
    evaluation = guard.evaluate([message(picture(INJECTION)), {"role": "user", "content": "and now?"}])
    assert (evaluation.action, outcome(evaluation)) == (Action.ALLOW, None)


def test_an_unreadable_image_fails_and_the_fail_mode_decides(guard: Guard) -> None:
    images = [message(b"no image", picture(["hello there"]))]
    closed, opened = guard.evaluate(images), guard.evaluate(images, service="open")
    expected = (Outcome.FAILED, "1 of 2 images not wholly read: it is no image of a known format")
    assert (closed.action, outcome(closed)) == (Action.DENY, expected)
    assert (opened.action, outcome(opened)) == (Action.ALLOW, expected)
    assert "Not checked, because it failed: image" in closed.reason


def test_what_was_read_counts_although_another_image_was_not(guard: Guard) -> None:
    evaluation = guard.evaluate([message(b"no image", picture(INJECTION))], service="open")
    assert evaluation.action is Action.DENY


def test_a_web_image_is_said_to_be_unread(guard: Guard) -> None:
    evaluation = guard.evaluate([message("https://images.example/a.png")])
    detail = "1 of 1 images not wholly read: images are not fetched from its host (setting image_hosts)"
    assert (evaluation.action, outcome(evaluation)) == (Action.ALLOW, (Outcome.NOT_EXECUTED, detail))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"overrides": {"detectors": {"image": {"disabled": True}}}}, id="by-the-request"),
        pytest.param({"recipe": "no_images"}, id="by-the-recipe"),
    ],
)
def test_images_are_not_read_where_nobody_wants_it(guard: Guard, asked: dict[str, Any]) -> None:
    evaluation = guard.evaluate([message(picture(INJECTION))], **asked)
    assert (evaluation.action, outcome(evaluation)) == (
        Action.ALLOW,
        (Outcome.NOT_EXECUTED, "images are not to be read"),
    )


def test_images_are_not_read_where_the_operator_says_so() -> None:
    guard = Guard(settings=patient_settings(read_images=False))
    evaluation = guard.evaluate([message(picture(INJECTION))])
    detail = "1 of 1 images not wholly read: images are not read (setting read_images)"
    assert (evaluation.action, outcome(evaluation)) == (Action.ALLOW, (Outcome.NOT_EXECUTED, detail))


def test_a_request_can_refuse_images_with_text(guard: Guard) -> None:
    overrides = {"detectors": {"image": {"action": "block"}}}
    assert guard.evaluate([message(picture(["hello there"]))], overrides=overrides).action is Action.DENY
    blank = Image.new("RGB", (40, 40), "white")
    assert guard.evaluate([message(blank)], overrides=overrides).action is Action.ALLOW
    evaluation = guard.evaluate("no image here", overrides=overrides)
    assert outcome(evaluation) == (Outcome.NOT_DETECTED, "")


def test_without_the_extra_the_report_names_the_remedy() -> None:
    code = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Without(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, *rest):\n"
        "        return None if name == 'rapidocr' else PathFinder.find_spec(name, *rest)\n"
        "sys.meta_path[:] = [Without if item is PathFinder else item for item in sys.meta_path]\n"
        "from guardhouse import Guard\n"
        "image = {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,AAAA'}}\n"
        "evaluation = Guard().evaluate([{'role': 'user', 'content': [image]}])\n"
        "report = evaluation.report('image')\n"
        "print(evaluation.action.name, report.outcome.value, report.detail, sep='|')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == (
        "ALLOW|not_executed|1 of 1 images not wholly read: reading the text in images needs an extra: "
        "pip install 'guardhouse[ocr]'"
    ), done.stderr


def test_a_deadline_fails_the_image_and_not_the_rest() -> None:
    guard = Guard(settings=patient_settings(image_deadline_s=0.01))
    try:
        evaluation = guard.evaluate([message(picture(INJECTION), text=f"write to {MAIL}")])
    finally:
        guard.close()
    report = evaluation.report("image")
    assert (evaluation.action, report.outcome) == (Action.DENY, Outcome.FAILED)
    assert evaluation.report("pii").findings[0].finding.value == MAIL


def test_sensitive_lines_are_painted_over(guard: Guard) -> None:
    image = picture(["Please write to", MAIL, "before Friday"])
    asked = [message(image, text=f"or to {MAIL}")]
    redacted = guard.redact(asked)
    text, shown = redacted.content[0]["content"]
    assert text["text"] == "or to <EMAIL_ADDRESS>"
    again = guard.evaluate([message(shown["image_url"]["url"])])
    assert again.report("pii").outcome is Outcome.NOT_DETECTED
    assert pictures.decoded(shown["image_url"]["url"]).size == image.size
    painted = [item for item in redacted.redactions if item.path == FIRST]
    assert [(item.span, item.operator, item.kind) for item in painted] == [
        (Span(16, 16 + len(MAIL)), RuleAction.MASK, "EMAIL_ADDRESS")
    ]


def test_sensitive_metadata_goes_with_the_rest(guard: Guard) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", f"write to {MAIL}")
    redacted = guard.redact([message(encoded(picture(["hello there"]), pnginfo=info))])
    assert redacted.count == 1
    url = redacted.content[0]["content"][1]["image_url"]["url"]
    assert pictures.decoded(url).info == {}
    assert guard.evaluate([message(url)]).report("pii").outcome is Outcome.NOT_DETECTED


def test_an_image_that_needs_no_edit_comes_back_as_it_was(guard: Guard) -> None:
    asked = [message(picture(["hello there"]))]
    assert guard.redact(asked).content == asked


def test_an_image_that_cannot_be_painted_is_no_redaction() -> None:
    """What stands in it still stands there: no edit is claimed, and the fail mode decides."""
    detector = FakeDetector("pii", {"hello": ("GREETING", 0.9)})
    recipe = Recipe("r", "", "", (DetectorSetting("pii", Rule(RuleAction.REPLACE)),))
    from guardhouse.detectors.image.detector import ImageDetector

    guard = Guard(detectors=[detector, ImageDetector()], recipes=[recipe], settings=patient_settings())
    image = picture(["hello there"])
    try:
        first = guard.evaluate([message(image)], recipe="r")
        assert (first.action, first.redactions[0].operator) == (Action.ALLOW, RuleAction.MASK)
        guard._images._process._arguments = ("1", "24")  # the next process has no room to work in
        guard.close()
        evaluation = guard.evaluate([message(image)], recipe="r")
    finally:
        guard.close()
    assert (evaluation.action, evaluation.texts, evaluation.redactions) == (Action.DENY, {}, ())
    (applied,) = evaluation.report("pii").findings
    assert (applied.action, applied.replacement) == (RuleAction.REPORT, "")
    assert outcome(evaluation) == (
        Outcome.FAILED,
        "an image could not be painted over: the reader of images cannot be started",
    )
