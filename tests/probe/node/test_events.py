"""What the preload tells becomes events like any other source's."""

from __future__ import annotations

import base64
from typing import Any

from repro.events import Event
from repro.probe.node.events import Preload
from tests.wire.streams import pg, startup


def events(*lines: dict[str, Any]) -> list[Event]:
    preload = Preload(77)
    return [event for line in lines for event in preload.events(line)]


def connect(address: str, code: str | None, conn: int = 1) -> dict[str, Any]:
    return {
        "event": "connect",
        "conn": conn,
        "t0": 1.0,
        "t": 1.1,
        "address": address,
        "port": 443,
        "code": code,
    }


def payload(sender: str, data: bytes) -> dict[str, Any]:
    return {"bytes": base64.b64encode(data).decode(), "conn": 1, "sender": sender, "t": 2.0}


def test_every_attempt_with_its_result() -> None:
    first, second, third = events(
        connect("::1", "ECONNREFUSED"), connect("127.0.0.1", None), connect("127.0.0.1", "abandoned", 2)
    )
    assert (str(first.peer), first.failure, first.errno) == (
        "[::1]:443",
        "connection_refused",
        "ECONNREFUSED",
    )
    assert (second.failure, second.fields["pid"], second.src) == (None, 77, "preload")
    assert third.failure == "unknown_failure: abandoned"


def test_lookups_and_handshakes() -> None:
    lookup = {
        "event": "dns",
        "t0": 0,
        "t": 1,
        "dns.name": "x.invalid",
        "dns.answers": [],
        "code": "ENOTFOUND",
    }
    handshake = {"event": "tls.handshake", "conn": 1, "t0": 0, "t": 1, "code": "CERT_HAS_EXPIRED"}
    assert [event.failure for event in events(lookup, handshake)] == ["dns_nxdomain", "tls_expired"]


def test_payload_is_decoded_and_an_upgrade_is_an_event_of_its_own() -> None:
    asked = b"GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for status, failure in ((b"101 Switching Protocols", None), (b"404 Not Found", "ws_handshake")):
        told = events(
            connect("127.0.0.1", None),
            payload("client", asked),
            payload("server", b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nUpgrade: websocket\r\n\r\n"),
        )
        upgrade = next(event for event in told if event.op == "http.upgrade")
        assert (upgrade.failure, str(upgrade.peer)) == (failure, "127.0.0.1:443")


def test_what_is_inside_tls_is_another_conversation_than_the_one_that_led_to_it() -> None:
    told = events(
        connect("127.0.0.1", None),
        payload("client", bytes.fromhex("0000000804d2162f")),
        payload("server", b"S"),
        {**payload("client", startup("user", "someone")), "inside": True},
        {**payload("server", pg(b"R", bytes(4))), "inside": True},
    )
    names = [event.fields["pg.name"] for event in told[1:]]
    assert names == ["SSLRequest", "SSLResponse", "StartupMessage", "AuthenticationOk"]
    assert [event.failure for event in told] == [None] * 5
