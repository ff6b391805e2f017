"""Requests a second of one address, against a bare route that sends the same bytes: several connections at once."""

from __future__ import annotations

import http.client
import selectors
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from benchmarks.bare import Reply, bare
from benchmarks.served import PROCESSES, Served, served
from benchmarks.timing import Row, Timing, timed

CONNECTIONS = 8
BURST = 2_000


#: whose rows are bound to nothing that a person is, so that answers may be kept
IDENTITY = "environment_officer"


def not_modified(url: str, runs: int) -> Row:
    """304 of a page of 1,000 features: policy and ETag, no query."""
    path = "/collections/parcel/items?limit=1000&f=json"
    with served(url, IDENTITY) as server:
        etag = _reply(server, path, {}).headers["etag"]
        return rate(server, path, {"If-None-Match": etag}, runs, what="304 of a page of 1,000", status=304)


def rate(server: Served, path: str, headers: Mapping[str, str], runs: int, *, what: str, status: int) -> Row:
    reply = _reply(server, path, headers)
    assert reply.status == status, (path, reply.status)
    own_port = urlsplit(server.base).port or 0
    with bare(reply, PROCESSES) as bare_port:
        asked = _request(own_port, path, {**headers, "Authorization": f"Bearer {server.token}"})
        plain = _request(bare_port, "/x", {**headers, "Authorization": f"Bearer {server.token}"})
        pairs = [
            (timed(lambda: _burst(own_port, asked, status)), timed(lambda: _burst(bare_port, plain, status)))
            for _ in range(max(5, runs // 6))
        ]
    ours, theirs = (Timing(tuple(pair[side] / BURST for pair in pairs)) for side in (0, 1))
    note = f"{1e3 / ours.median:,.0f}/s against {1e3 / theirs.median:,.0f}/s"
    return Row(what, ours, theirs, bar="≤ 2.0 × a request", note=note)


def _reply(server: Served, path: str, headers: Mapping[str, str]) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.base).port)
    own = {"Authorization": f"Bearer {server.token}", "Accept-Encoding": "identity"}
    connection.request("GET", path, headers={**own, **headers})
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, found, response.read())


def _request(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """Links hold the address that was asked, and so do ETags: the Host is that of every other client here."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept-Encoding: identity"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def _burst(port: int, request: bytes, status: int) -> None:
    """So many requests over a few connections, each asked again as soon as its answer is there."""
    begun = 0
    with selectors.DefaultSelector() as ready:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port))
            ready.register(connection, selectors.EVENT_READ, bytearray())
            connection.sendall(request)
            begun += 1
        ended = 0
        while ended < BURST:
            for key, _ in ready.select(timeout=30):
                assert isinstance(key.fileobj, socket.socket)
                if not _is_whole(key.fileobj, key.data, status):
                    continue
                ended += 1
                if begun < BURST:
                    key.fileobj.sendall(request)
                    begun += 1
        for key in list(ready.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()


def _is_whole(connection: socket.socket, read: bytearray, status: int) -> bool:
    """Reads what is there; true when it ends an answer, which is then forgotten."""
    part = connection.recv(1 << 18)
    assert part, "the server closed a connection"
    read += part
    head, end, body = bytes(read).partition(b"\r\n\r\n")
    if not end:
        return False
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), head[:200]
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths and status != 304 else 0
    if len(body) < length:
        return False
    read.clear()
    return True
