"""What both clients share: requests as JSON, answers as values, error answers as the tree of errors."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx

from guardhouse.errors import (
    Blocked,
    CallerError,
    ConfigurationError,
    Conflict,
    Forbidden,
    GuardhouseError,
    InvalidContext,
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
from guardhouse.model.codec import evaluation_from_dict, overrides_to_dict, redactions_from_data
from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.recipe import Overrides
from guardhouse.model.redacted import RedactedContent
from guardhouse.text.spots import PieceReplacer, Spots

DEFAULT_TIMEOUT_S = 10.0
EVALUATE_PATH, REDACT_PATH, UNREDACT_PATH = "/v1/evaluate", "/v1/redact", "/v1/unredact"
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
    conversation_id: str,
    fpe_context: str | None,
) -> bytes:
    """The body of an evaluation.

    Raises `InvalidInput` for what is no text and no list of messages, and for overrides that are no object.
    """
    if isinstance(overrides, Overrides):
        overrides = overrides_to_dict(overrides)
    elif not isinstance(overrides, Mapping | None):
        raise InvalidInput.wrong_type("object", ("overrides",))
    members: dict[str, Any] = {
        **_content(content),
        "role": role if isinstance(content, str) else None,
        "recipe": recipe,
        "service": service,
        "env": env,
        "overrides": None if overrides is None else dict(overrides),
        "conversation_id": conversation_id or None,
        "fpe_context": fpe_context,
    }
    return _encoded(members)


def redact_body(content: str | Sequence[Mapping[str, Any]], **options: Any) -> bytes:
    """The body of a redaction; `options` are the other members, None and empty ones left out.

    Raises `InvalidInput` as `request_body`.
    """
    return _encoded({**_content(content), **{name: value for name, value in options.items() if value != ""}})


def unredact_body(data: Any, fpe_context: object, *, service: str | None) -> bytes:
    """The body that asks for `data` with its originals. Raises `InvalidInput` for data that is no plain JSON."""
    return _encoded({"data": data, "fpe_context": fpe_context, "service": service}, keep={"data", "fpe_context"})


def originals_body(fpe_context: object, *, service: str | None) -> bytes:
    """The body that asks for all originals of a context."""
    return _encoded({"originals": True, "fpe_context": fpe_context, "service": service}, keep={"fpe_context"})


def read_evaluation(response: httpx.Response, *, block: bool) -> Evaluation:
    """The evaluation. Raises what the answer says; with `block`, `Blocked` when the verdict is to be acted on."""
    document = _answered(response)
    try:
        evaluation = evaluation_from_dict(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer("the answer is no evaluation", status=response.status_code) from None
    if block and evaluation.blocked:
        raise Blocked(evaluation)
    return evaluation


def read_redacted(response: httpx.Response) -> RedactedContent:
    """The redaction. Raises what the answer says."""
    document = _answered(response)
    try:
        content = document["text"] if "text" in document else document["messages"]
        redactions = redactions_from_data(document["redactions"])
        return RedactedContent(document["id"], content, redactions, document["fpe_context"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer("the answer is no redaction", status=response.status_code) from None


def read_member(response: httpx.Response, name: str) -> Any:
    """One member of the answer to an un-redaction. Raises what the answer says."""
    document = _answered(response)
    if not isinstance(document, dict) or name not in document:
        raise UnexpectedAnswer("the answer is no un-redaction", status=response.status_code)
    return document[name]


def read_originals(response: httpx.Response) -> dict[str, str]:
    """All originals, by what was put in their place. Raises what the answer says."""
    originals = read_member(response, "originals")
    if not isinstance(originals, dict) or not all(isinstance(value, str) for value in originals.values()):
        raise UnexpectedAnswer("the answer is no list of originals", status=response.status_code)
    return originals


def unredactor_of(parts: Sequence[Mapping[str, str]]) -> PieceReplacer:
    """Restores a text that comes in pieces under several lists of originals; of equal replacements the first counts."""
    originals = {text: original for part in reversed(parts) for text, original in part.items()}
    return PieceReplacer(Spots(originals), originals.__getitem__)


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
    if rendered_path == "fpe_context" and code in ("bad_format", "missing"):
        return InvalidContext(message)
    known = code if code in InvalidInput.CODES else "bad_format"
    return InvalidInput(message, path=_steps(rendered_path), code=known)


def _steps(rendered: str) -> Path:
    """The inverse of `render_path`, for names without dots and brackets."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(rendered))


def _content(content: str | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(content, str):
        return {"text": content}
    if not isinstance(content, list | tuple):
        raise InvalidInput.wrong_type("array", ("messages",))
    return {"messages": list(content)}


def _encoded(members: Mapping[str, Any], *, keep: Collection[str] = ()) -> bytes:
    """Without members that are None, but for those of `keep`. ASCII with escapes, so that text with lone surrogates
    can be sent too. Raises `InvalidInput` for what is no plain JSON."""
    given = {name: value for name, value in members.items() if value is not None or name in keep}
    try:
        return json.dumps(given, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        wrong = next((name for name, value in given.items() if not _is_plain(value)), "")
        raise InvalidInput(f"{wrong} must be plain JSON", path=(wrong,), code="wrong_type") from None


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _answered(response: httpx.Response) -> Any:
    document = _document(response)
    if response.status_code != 200:
        raise error_of(response, document)
    return document


def _document(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
