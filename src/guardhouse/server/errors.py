"""From the tree of errors to HTTP, the same for every dialect."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException

from guardhouse.errors import (
    CallerError,
    GuardhouseError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)


class ServerFault(GuardhouseError):
    """A mistake of ours. `incident` is the id under which the log has it; the caller learns nothing else."""

    status = 500

    def __init__(self, incident: str) -> None:
        super().__init__(f"internal error, incident {incident}")
        self.detail = f"internal error, incident {incident}"
        self.incident = incident


def status_of(error: GuardhouseError) -> int:
    """The HTTP status of `error`; 500 for what is no caller's mistake and cannot be tried again."""
    if isinstance(error, CallerError | Unavailable):
        return error.status
    return 500


def title_of(error: GuardhouseError) -> str:
    """The status in words, as RFC 9110 spells it: `Bad Request`."""
    return HTTPStatus(status_of(error)).phrase


def from_framework(error: HTTPException) -> GuardhouseError:
    """The framework's own refusals (unknown path, wrong method) as errors of our tree."""
    match error.status_code:
        case 404:
            return NotFound("there is nothing at this path")
        case 405:
            return MethodNotAllowed("this path does not take this method")
        case _:
            return InvalidInput("the request cannot be read")
