from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from repro.events import Peer
from repro.trace.formats.node_debug import node_debug
from tests.trace.formats.tracing import Trace, any_line

REFUSED: dict[str, Any] = {"failure": "connection_refused", "errno": "ECONNREFUSED"}


def test_two_addresses_that_both_refuse() -> None:
    """Node 20.20 prints these lines for two refused addresses, with -111 for the errno's name."""
    both = "[ { address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 } ]"
    trace = Trace(conn=None, peer=None).add("dns", dns__name="localhost", dns__answers=["::1", "127.0.0.1"])
    trace.add("connect", peer=Peer("::1", 9), **REFUSED)
    trace.add("connect", peer=Peer("127.0.0.1", 9), **REFUSED)

    assert list(node_debug(trace.lines)) == [
        "NET 4711: connect: find host localhost",
        f"NET 4711: connect/multiple: will try the following addresses {both}",
        "NET 4711: connect/multiple: attempting to connect to ::1:9 (addressType: 6)",
        "NET 4711: connect/multiple: connection attempt to ::1:9 completed with status ECONNREFUSED",
        "NET 4711: connect/multiple: attempting to connect to 127.0.0.1:9 (addressType: 4)",
        "NET 4711: connect/multiple: connection attempt to 127.0.0.1:9 completed with status ECONNREFUSED",
    ]


def test_https_to_one_address() -> None:
    trace = Trace(peer=Peer("127.0.0.1", 8443)).add("dns", dns__name="localhost", dns__answers=["127.0.0.1"])
    trace.add("connect").add("tls.handshake", tls__sni="localhost", tls__version="TLSv1.3")
    trace.client("http.request", 90, http__method="GET", http__path="/x")
    trace.server("http.response", 90, http__status=200).add("close")

    assert list(node_debug(trace.lines)) == [
        "NET 4711: connect: find host localhost",
        "NET 4711: connect/multiple: only one address found, switching back to single connection",
        "NET 4711: connect: attempting to connect to 127.0.0.1:8443 (addressType: 4)",
        "NET 4711: afterConnect",
        "TLS 4711: client onhandshakedone",
        "TLS 4711: client _finishInit handle? true alpn false servername localhost",
        "HTTP 4711: outgoing message end. GET /x",
        "HTTP 4711: AGENT incoming response! 200",
        "NET 4711: destroy",
        "NET 4711: close",
    ]


def test_an_attempt_that_nobody_answered_among_several() -> None:
    trace = Trace(conn=None, peer=None).add("dns", dns__name="db", dns__answers=["192.0.2.1", "192.0.2.2"])
    trace.add("connect", peer=Peer("192.0.2.1", 9), failure="timeout")

    assert (
        list(node_debug(trace.lines))[-1] == "NET 4711: connect/multiple: connection to 192.0.2.1:9 timed out"
    )


def test_a_hidden_result_is_no_connection() -> None:
    trace = Trace().add("connect", src="kernel", connect__result="not visible")

    assert not any("afterConnect" in line for line in node_debug(trace.lines))


@given(st.lists(any_line(), max_size=4))
def test_any_trace_becomes_lines_of_the_three_sections(lines: list[Mapping[str, Any]]) -> None:
    for told in node_debug(lines):
        assert told.split(" ")[0] in {"NET", "TLS", "HTTP"}
        assert told.isprintable()
