"""The tree of errors.

GuardhouseError
├── CallerError                 a caller's mistake; every dialect answers it with a 4xx
│   ├── InvalidInput            400  body, field or option of the wrong form
│   │   ├── UnknownRecipe       400
│   │   ├── UnknownName         400  a detector, rule, category or setting that does not exist
│   │   ├── InvalidPattern      400  an operator's pattern that RE2 refuses
│   │   └── InvalidContext      400  a redaction's context that cannot be read or is not this tenant's
│   ├── Unauthorized            401
│   ├── Forbidden               403
│   ├── NotFound                404
│   ├── MethodNotAllowed        405
│   ├── RequestTimeout          408
│   ├── Conflict                409
│   ├── TooLarge                413
│   └── RateLimited             429
├── Unavailable                 503  overloaded, shutting down, or a store out of reach
│   └── StorageUnavailable      503
├── ConfigurationError          a setting, recipe file or plug-in that cannot be used
│   └── MissingExtra            an optional dependency is not installed; names the extra
├── NotExecuted                 a detector that the operator keeps from running; engine/run.py records it
├── DetectorFailed              a detector could not finish; engine/run.py records it
│   └── DeadlineExceeded
└── Blocked                     raised for callers who asked for it; carries the evaluation

Messages never hold the text that was judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from guardhouse.model.conversation import Path
    from guardhouse.model.evaluation import Evaluation


class GuardhouseError(Exception):
    """Base of every error that this package raises on purpose."""


class CallerError(GuardhouseError):
    """A mistake of the caller's. `status` is the HTTP status that every dialect uses for it."""

    status: ClassVar[int] = 400

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or type(self).__name__)
        self.detail = detail or type(self).__name__


class InvalidInput(CallerError):
    """A body, field or option of the wrong form.

    `path` says where in the caller's document; `code` is a word of `InvalidInput.CODES`, which dialects map.
    """

    CODES: ClassVar[frozenset[str]] = frozenset(
        {
            "bad_format",
            "wrong_type",
            "missing",
            "empty",
            "unknown_member",
            "not_in_enum",
            "out_of_range",
            "too_long",
            "conflict",
        }
    )

    def __init__(self, detail: str, *, path: Path = (), code: str = "bad_format", expected: str = "") -> None:
        if code not in self.CODES:
            raise ValueError(f"{code!r} is not one of {sorted(self.CODES)}")
        super().__init__(detail)
        self.path = path
        self.code = code
        self.expected = expected
        """For `wrong_type`: the JSON type that was wanted (`string`, `object`, `array`, `number`, `boolean`)."""

    @classmethod
    def wrong_type(cls, expected: str, path: Path) -> InvalidInput:
        """A value of another JSON type than `expected` stands at `path`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        where = "".join(steps).removeprefix(".") or "the body"
        return cls(f"{where} must be of type {expected}", path=path, code="wrong_type", expected=expected)


class UnknownRecipe(InvalidInput):
    """The request names a recipe that does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no recipe {name!r}", path=("recipe",), code="not_in_enum")
        self.name = name


class UnknownName(InvalidInput):
    """A detector, rule, category or setting that does not exist."""

    def __init__(self, detail: str, *, path: Path = ()) -> None:
        super().__init__(detail, path=path, code="unknown_member")


class InvalidPattern(InvalidInput):
    """A pattern that RE2 refuses; the message is RE2's own."""


class InvalidContext(InvalidInput):
    """The context of a redaction that is none, was changed, or was made under another key or for another service.

    `is_encoding` says that it is no base64 of a JSON object at all.
    """

    def __init__(self, detail: str, *, is_encoding: bool = True) -> None:
        super().__init__(detail, path=("fpe_context",))
        self.is_encoding = is_encoding


class Unauthorized(CallerError):
    """No key, or one that is unknown, revoked or expired."""

    status = 401


class Forbidden(CallerError):
    """A live key whose role, permission or service binding does not cover the call."""

    status = 403


class NotFound(CallerError):
    """No such path or thing."""

    status = 404


class MethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    status = 405


class RequestTimeout(CallerError):
    """The caller sent its request too slowly."""

    status = 408


class Conflict(CallerError):
    """The thing exists already or changed meanwhile."""

    status = 409


class TooLarge(CallerError):
    """A body, text or document over its limit."""

    status = 413


class RateLimited(CallerError):
    """A usage limit is passed. `retry_after_s` is in whole seconds, at least 1."""

    status = 429

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = max(1, retry_after_s)


class Unavailable(GuardhouseError):
    """Overloaded, starting or shutting down; try again after `retry_after_s` seconds."""

    status: ClassVar[int] = 503

    def __init__(self, detail: str = "the server is busy", *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = max(1, retry_after_s)


class StorageUnavailable(Unavailable):
    """The store cannot be reached or refused the write; nothing was recorded."""


class ConfigurationError(GuardhouseError):
    """A setting, recipe file or plug-in that cannot be used."""


class MissingExtra(ConfigurationError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an extra: pip install 'guardhouse[{extra}]'")
        self.extra = extra


class NotExecuted(GuardhouseError):
    """A detector that does not run: an extra is missing, or the operator does not want it. Holds no judged text."""


class DetectorFailed(GuardhouseError):
    """A detector could not finish. The message holds no judged text."""


class DeadlineExceeded(DetectorFailed):
    """The evaluation's time was used up before this detector had finished."""


class Blocked(GuardhouseError):
    """The evaluation says the interaction must not go on. Raised only for callers who asked with `block=True`."""

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__(f"{evaluation.action.name}: {evaluation.reason}")
        self.evaluation = evaluation
