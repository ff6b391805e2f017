"""Where the service lies for whoever asks: who is believed, and what of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from layers.errors import RefusedError
from ogc.common.proxies import Place, networks, path_below, prefix

OWN = {"host": "127.0.0.1:8000"}


def placed(
    peer: str,
    headers: dict[str, str],
    root_path: str = "",
    trusted: str = "127.0.0.0/8,::1",
    more: Sequence[tuple[bytes, bytes]] = (),
) -> dict[str, Any]:
    """The scope that the service goes on with."""
    scope: dict[str, Any] = {
        "type": "http", "scheme": "http", "path": "/collections", "client": (peer, 1),
        "headers": [*((name.lower().encode(), value.encode()) for name, value in {**OWN, **headers}.items()), *more],
    }  # fmt: skip
    Place(root_path, networks(trusted)).settle(scope)
    return {**scope, "host": dict(scope["headers"])[b"host"].decode()}


def test_a_stranger_is_not_believed() -> None:
    said = {"X-Forwarded-Host": "x.vn", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/x", "Forwarded": "host=y"}
    found = placed("203.0.113.9", said, "/gis")
    assert (found["scheme"], found["host"], found["root_path"]) == ("http", OWN["host"], "/gis")
    assert found["client"] == ("203.0.113.9", 1)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_a_trusted_proxy_says_how_it_was_asked(peer: str) -> None:
    said = {"X-Forwarded-Host": "gis.vn", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/gis/"}
    found = placed(peer, {**said, "X-Forwarded-For": "198.51.100.7"})
    assert (found["scheme"], found["host"], found["root_path"]) == ("https", "gis.vn", "/gis")
    assert found["client"] == ("198.51.100.7", 0)


def test_the_standard_header_is_read_too() -> None:
    found = placed("127.0.0.1", {"Forwarded": 'for="[2001:db8::7]:4711";proto=https;host="gis.vn:8443"'})
    assert (found["scheme"], found["host"], found["client"][0]) == ("https", "gis.vn:8443", "2001:db8::7")


def test_of_several_values_the_one_that_the_proxy_added_counts() -> None:
    found = placed(
        "127.0.0.1", {"X-Forwarded-Host": "forged.example, gis.vn", "X-Forwarded-For": "9.9.9.9, 198.51.100.7"}
    )
    assert found["host"] == "gis.vn" and found["client"][0] == "198.51.100.7"


def test_proxies_behind_each_other_are_passed_over_to_the_caller() -> None:
    said = {"X-Forwarded-For": "9.9.9.9, 198.51.100.7, 10.0.0.4"}
    assert placed("10.0.0.5", said, trusted="10.0.0.0/24")["client"][0] == "198.51.100.7"


def test_headers_that_contradict_each_other_count_both_for_nothing() -> None:
    """A proxy that writes only one of them passes on what a caller wrote into the other."""
    found = placed("127.0.0.1", {"X-Forwarded-Host": "gis.vn", "Forwarded": "host=forged.example"})
    assert found["host"] == OWN["host"]


@pytest.mark.parametrize("forged", ["for=9.9.9.9", "for=127.0.0.1", 'for="[2001:db8::9]:1";proto=http'])
def test_a_caller_cannot_take_another_address_than_the_one_the_proxy_saw(forged: str) -> None:
    """Else every request would come from a new place, and no rate of a place would hold."""
    found = placed("127.0.0.1", {"Forwarded": forged, "X-Forwarded-For": "198.51.100.7"})
    assert found["client"] == ("127.0.0.1", 1)


@pytest.mark.parametrize("listed", ["198.51.100.7", "9.9.9.9, 198.51.100.7", "::ffff:198.51.100.7"])
def test_two_headers_that_name_the_same_caller_are_believed(listed: str) -> None:
    found = placed("127.0.0.1", {"Forwarded": "for=198.51.100.7:4711", "X-Forwarded-For": listed})
    assert found["client"] == ("198.51.100.7", 0)


@pytest.mark.parametrize("said", ["9.9.9.9, unix:", "9.9.9.9, unknown"])
def test_who_stands_behind_what_is_no_address_is_not_known(said: str) -> None:
    assert placed("127.0.0.1", {"X-Forwarded-For": said})["client"] == ("127.0.0.1", 1)


def test_a_line_that_the_proxy_wrote_under_the_callers_counts() -> None:
    lines = [(b"x-forwarded-for", b"9.9.9.9"), (b"x-forwarded-for", b"198.51.100.7")]
    assert placed("127.0.0.1", {}, more=lines)["client"] == ("198.51.100.7", 0)


@pytest.mark.parametrize(
    "said",
    [{"X-Forwarded-Host": "gis.vn/x"}, {"X-Forwarded-Host": "a b"}, {"X-Forwarded-Host": "gis.vn:1x"},
     {"X-Forwarded-Host": '"><script>'}, {"X-Forwarded-Prefix": "//evil.example"}, {"X-Forwarded-Prefix": "/../x"},
     {"X-Forwarded-Prefix": "/a?b"}, {"X-Forwarded-Proto": "javascript"}, {"X-Forwarded-For": "unknown"}],
)  # fmt: skip
def test_what_is_no_host_path_or_scheme_is_left_aside(said: dict[str, str]) -> None:
    found = placed("127.0.0.1", said)
    assert (found["scheme"], found["host"], found["root_path"]) == ("http", OWN["host"], "")
    assert found["client"] == ("127.0.0.1", 1)


@pytest.mark.parametrize(("given", "made"), [("", ""), ("/", ""), ("gis", "/gis"), ("/gis/", "/gis"), ("/a/b", "/a/b")])
def test_a_prefix_is_written_in_one_way(given: str, made: str) -> None:
    assert prefix(given) == made


@pytest.mark.parametrize("given", ["/a b", "a//b", "/a?b", "/a/../b", "http://a"])
def test_a_prefix_that_is_no_path_is_refused(given: str) -> None:
    with pytest.raises(RefusedError):
        prefix(given)


def test_a_list_of_proxies_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(RefusedError):
        networks("127.0.0.1, proxy.local")


@pytest.mark.parametrize(
    ("path", "root", "below"),
    [("/gis/collections", "/gis", "/collections"), ("/collections", "/gis", "/collections"), ("/gis", "/gis", "/"),
     ("/gisement", "/gis", "/gisement"), ("/", "", "/")],
)  # fmt: skip
def test_the_path_below_the_prefix_is_found_whether_it_was_taken_off_or_not(path: str, root: str, below: str) -> None:
    assert path_below({"path": path, "root_path": root}) == below
