"""uvicorn's HTTP protocol with what it lacks against slow and greedy clients.

- Request line and headers must come within a deadline and within a size; else 408 or 431 and the connection closes.
- A body that was refused (413) or not wanted is read to its end and thrown away, so that the client can still read the
  answer, but only for a while and up to a size; then the connection closes.
- An answer that the client does not read is dropped when the keep-alive time is over.
"""

from __future__ import annotations

from asyncio import TimerHandle
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024
LINGER_S = 5.0
LINGER_BYTES = 64 * 1024 * 1024
DEFAULT_HEADER_TIMEOUT_S = 10.0


class GuardedHttpProtocol(HttpToolsProtocol):
    """One connection. The lifespan's state may hold `header_timeout_s`."""

    _timer: TimerHandle | None = None
    _in_headers = True
    """No request is being received, or its headers are not whole."""
    _header_bytes = 0
    _lingering = False
    """The answer is given, the body still comes."""
    _discarded_bytes = 0

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        self._start_timer(self._header_timeout_s, self._headers_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._lingering:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > LINGER_BYTES:
                self.transport.close()
                return
        if self._in_headers:
            self._header_bytes += len(data)
            if self._timer is None:
                self._start_timer(self._header_timeout_s, self._headers_late)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0
        if self._lingering:
            self._lingering = False
            self._stop_timer()

    def on_response_complete(self) -> None:
        if not self._in_headers and self.cycle.response_complete and not self.transport.is_closing():
            self._lingering = True
            self._discarded_bytes = 0
            self._start_timer(LINGER_S, self.transport.close)
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        if not self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            else:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # Another request of this connection is being answered; an answer to this one would be taken for its.
            self.transport.close()
            return
        self._refuse(HTTPStatus.BAD_REQUEST)

    @property
    def _header_timeout_s(self) -> float:
        return float(self.app_state.get("header_timeout_s", DEFAULT_HEADER_TIMEOUT_S))

    def _headers_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif self._header_bytes:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers where no request could be read, so that no dialect is known: both usual error members in one body."""
        code = status.name.lower()
        body = f'{{"error":{{"code":"{code}","message":"{status.phrase}","path":""}},"errors":["{status.phrase}"]}}'
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
            f"{body}".encode("ascii")
        )
        self.transport.close()

    def _start_timer(self, seconds: float, then) -> None:  # type: ignore[no-untyped-def]
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
