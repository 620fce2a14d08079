"""What both clients share: requests as JSON, answers as values, error answers as the tree of errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from guardhouse.errors import (
    Blocked,
    CallerError,
    ConfigurationError,
    Conflict,
    Forbidden,
    GuardhouseError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnknownRecipe,
)
from guardhouse.model.codec import evaluation_from_dict, overrides_to_dict
from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.recipe import Overrides

DEFAULT_TIMEOUT_S = 10.0
EVALUATE_PATH = "/v1/evaluate"
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_RECIPE_NAME = re.compile(r"there is no recipe '(.*)'")
_CALLER_ERRORS: dict[int, type[CallerError]] = {
    error.status: error
    for error in (Unauthorized, Forbidden, NotFound, MethodNotAllowed, RequestTimeout, Conflict, TooLarge)
}


class UnexpectedAnswer(GuardhouseError):
    """An answer that is none of Guardhouse's, or a fault of the server's. `status` is the HTTP status."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.status = status


def headers(key: str) -> dict[str, str]:
    """The headers of every request. Raises `ConfigurationError` for a key that no header can carry."""
    if not key or not key.isascii() or not key.isprintable() or key != key.strip():
        raise ConfigurationError("a key is printable ASCII without blanks around it; this one is empty or is not")
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": "application/json"}


def request_body(
    content: str | Sequence[Mapping[str, Any]],
    *,
    role: str | None,
    recipe: str | None,
    service: str | None,
    env: str | None,
    overrides: Overrides | Mapping[str, Any] | None,
) -> bytes:
    """The body of an evaluation. ASCII with escapes, so that text with lone surrogates can be sent too.

    Raises `InvalidInput` for what is no text and no list of messages, and for overrides that are no object.
    """
    if not isinstance(content, str | list | tuple):
        raise InvalidInput.wrong_type("array", ("messages",))
    if isinstance(overrides, Overrides):
        overrides = overrides_to_dict(overrides)
    elif not isinstance(overrides, Mapping | None):
        raise InvalidInput.wrong_type("object", ("overrides",))
    members: dict[str, Any] = {
        "text" if isinstance(content, str) else "messages": content if isinstance(content, str) else list(content),
        "role": role if isinstance(content, str) else None,
        "recipe": recipe,
        "service": service,
        "env": env,
        "overrides": None if overrides is None else dict(overrides),
    }
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode("ascii")


def read_evaluation(response: httpx.Response, *, block: bool) -> Evaluation:
    """The evaluation. Raises what the answer says; with `block`, `Blocked` when the verdict is to be acted on."""
    document = _document(response)
    if response.status_code != 200:
        raise error_of(response, document)
    try:
        evaluation = evaluation_from_dict(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer("the answer is no evaluation", status=response.status_code) from None
    if block and evaluation.blocked:
        raise Blocked(evaluation)
    return evaluation


def error_of(response: httpx.Response, document: Any) -> GuardhouseError:
    """The error that the answer stands for."""
    status = response.status_code
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or f"HTTP {status}")
    retry_after = response.headers.get("retry-after", "")
    retry_after_s = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 1
    if status == 400:
        return _invalid_input(message, str(error.get("code", "")), str(error.get("path", "")))
    if status == 429:
        return RateLimited(message, retry_after_s=retry_after_s)
    if status in (502, 503, 504):
        return Unavailable(message, retry_after_s=retry_after_s)
    if status in _CALLER_ERRORS:
        return _CALLER_ERRORS[status](message)
    return UnexpectedAnswer(message, status=status)


def unreachable(error: httpx.TransportError) -> Unavailable:
    """The error for a server that does not answer."""
    return Unavailable(f"the server does not answer ({type(error).__name__})")


def _invalid_input(message: str, code: str, rendered_path: str) -> InvalidInput:
    recipe = _RECIPE_NAME.fullmatch(message)
    if recipe and rendered_path == "recipe":
        return UnknownRecipe(recipe[1])
    known = code if code in InvalidInput.CODES else "bad_format"
    return InvalidInput(message, path=_steps(rendered_path), code=known)


def _steps(rendered: str) -> Path:
    """The inverse of `render_path`, for names without dots and brackets."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(rendered))


def _document(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
