"""The network stages, read off the events, and the operation at which a probe failed."""

from __future__ import annotations

from repro.events import Event, Peer
from repro.probe import network

REFUSED = Event(
    "connect", 1.0, 1.1, peer=Peer("127.0.0.1", 443), failure="connection_refused", errno="ECONNREFUSED"
)
CONNECTED = Event("connect", 1.1, 1.2, peer=Peer("::1", 443))
RESOLVED = Event("dns", 0.9, 1.0, fields={"dns.name": "localhost", "dns.answers": ["::1", "127.0.0.1"]})
SHAKEN = Event("tls.handshake", 1.2, 1.4, fields={"tls.version": "TLSv1.3"})
UPGRADED = Event("http.upgrade", 1.4, 1.5, fields={"http.status": 101})


def test_stages_last_from_the_first_event_to_the_last() -> None:
    stages = network.stages([RESOLVED, REFUSED, CONNECTED, SHAKEN], "tcp", lambda moment: moment)

    assert [(stage["name"], stage["status"], stage["t0"], stage["t"]) for stage in stages] == [
        ("resolve", "pass", 0.9, 1.0),
        ("connect", "pass", 1.0, 1.2),
        ("tls", "pass", 1.2, 1.4),
    ]


def test_a_stage_without_success_failed_as_its_last_event() -> None:
    (stage,) = network.stages([REFUSED], "http", lambda moment: moment)

    assert (stage["status"], stage["failure"]) == ("fail", "connection_refused")
    assert stage["detail"]["attempts"] == [{"address": "127.0.0.1:443", "failure": "connection_refused"}]


def test_the_address_is_the_last_good_one() -> None:
    assert network.last_address([CONNECTED, REFUSED]) == "[::1]:443"
    assert network.last_address([REFUSED]) == "127.0.0.1:443"
    assert network.last_address([]) is None
    assert network.last_errno([REFUSED]) == "ECONNREFUSED"
