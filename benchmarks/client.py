"""A client that costs next to nothing: what is measured is the server, not how Python's library reads headers."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Self

TIMEOUT_S = 120
_END_OF_HEAD = b"\r\n\r\n"
#: bytes there is room for at first, and by how much it grows
_ROOM = 1 << 20


class Client:
    """One connection that is kept, and asked one thing after another. Answers must say how long they are."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._room = bytearray(_ROOM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        return self._asked(f"GET {path} HTTP/1.1", headers, b"")

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        return self._asked(f"POST {path} HTTP/1.1", {**headers, "Content-Length": str(len(body))}, body)

    def _asked(self, first_line: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        lines = [first_line, f"Host: {self._host}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode() + body)
        taken, begins = 0, -1
        while begins < 0:
            taken = self._more(taken)
            begins = self._room.find(_END_OF_HEAD, 0, taken)
        begins += len(_END_OF_HEAD)
        head = bytes(self._room[:begins])
        status = int(head[9:12])
        ends = begins + _length(head, status)
        while taken < ends:
            taken = self._more(taken)
        assert taken == ends, "more than one answer"
        return status, bytes(memoryview(self._room)[begins:ends])

    def _more(self, taken: int) -> int:
        if taken == len(self._room):
            self._room.extend(bytes(len(self._room)))
        part = self._socket.recv_into(memoryview(self._room)[taken:])
        assert part, "the server closed the connection"
        return taken + part


def _length(head: bytes, status: int) -> int:
    if status in (204, 304):
        return 0
    named = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    assert named, head
    return int(named[0].partition(b":")[2])
