"""HTTP/1.1 over a bare connection: all that a load generator needs, for as little CPU as Python allows."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_HEADER_END = b"\r\n\r\n"


class BadAnswerError(ConnectionError):
    """What came is no HTTP answer with a declared length."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the body that came with it."""

    status: int
    body: bytes


def request_bytes(path: str, body: bytes, *, method: str = "POST") -> bytes:
    """Return a whole request with a JSON body."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """A keep-alive connection that carries one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._expected: int | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to a port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    @property
    def is_open(self) -> bool:
        """Tell whether another request can go out on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            ConnectionError: it was closed before the answer was whole.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Gather the answer."""
        buffer = self._buffer
        buffer += data
        if self._expected is None:
            end = buffer.find(_HEADER_END)
            if end < 0:
                return
            length = _LENGTH.search(buffer, 0, end)
            if length is None:
                self._end(BadAnswerError("no content-length"))
                return
            self._expected = end + len(_HEADER_END) + int(length[1])
        if len(buffer) < self._expected:
            return
        end = buffer.find(_HEADER_END)
        answer = Answer(int(buffer[9:12]), bytes(buffer[end + len(_HEADER_END) : self._expected]))
        if _CLOSE.search(buffer, 0, end):
            self.close()
        buffer.clear()
        self._expected = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self._end(ConnectionResetError("closed by the other side"))

    def _end(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
        self.close()


class Pool:
    """Connections to one port; the one used last goes first, so that idle ones stay idle and may end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def send(self, request: bytes) -> Answer:
        """Send a request on a free connection, or on a new one.

        One that the server has just closed for idleness is replaced and the request sent again, as every
        client does.

        Raises:
            ConnectionError: a new connection broke off, too, or none can be made.
        """
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                try:
                    return await self._send(connection, request)
                except ConnectionError:
                    break
        return await self._send(await Connection.open(self._port), request)

    async def _send(self, connection: Connection, request: bytes) -> Answer:
        try:
            return await connection.send(request)
        finally:
            if connection.is_open:
                self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
