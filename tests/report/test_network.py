from __future__ import annotations

from typing import Any

import pytest

from repro.document import Endpoint, Outcome
from repro.report import network

PREDICTED: list[Endpoint] = [
    {"url": "wss://localhost/v2", "host": "localhost", "port": 443, "protocol": "wss"}
]


def connect(port: int, failure: str | None = None) -> dict[str, Any]:
    return {"op": "connect", "peer": {"address": "127.0.0.1", "port": port}, "failure": failure}


def named(run: Any, name: str) -> Outcome:
    found: Outcome = next(each for each in run.document["probes"] if each["name"] == name)
    return found


def test_each_address_once_with_its_last_end() -> None:
    lines = [connect(1, "timeout"), connect(2), connect(1), {"op": "dns", "peer": None}]

    assert network.attempts(lines) == [("127.0.0.1:1", None), ("127.0.0.1:2", None)]


def test_without_a_trace_the_error_says_where(origin: Any) -> None:
    assert network.dialled(named(origin, "ws.neon"), []) == [("127.0.0.1:443", "connection_refused")]
    assert network.dialled(named(origin, "tcp.raw"), []) == []


@pytest.mark.parametrize(
    ("addresses", "agree"),
    [(["127.0.0.1:443", "[::1]:443"], True), (["127.0.0.1:5432"], False), (["/tmp/s"], False)],
)
def test_ports_are_held_against_the_prediction(addresses: list[str], *, agree: bool) -> None:
    assert network.as_predicted(PREDICTED, addresses) is agree


def test_what_passing_probes_reached_where_it_differs(origin: Any) -> None:
    reached = network.passing_addresses(named(origin, "ws.neon"), origin.document["probes"], origin.events)

    assert list(reached) == ["127.0.0.1:5433"]
    assert reached["127.0.0.1:5433"][0] == "tcp.raw"
    assert "push.redis-tcp" not in reached["127.0.0.1:5433"]


def test_no_contrast_where_all_dial_the_same(mishaps: Any) -> None:
    assert not network.passing_addresses(
        named(mishaps, "tcp.psycopg"), mishaps.document["probes"], mishaps.events
    )
