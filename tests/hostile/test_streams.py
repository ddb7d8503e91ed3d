"""Garbage, streams without an end, a byte a second, a gigabyte: a finding in time, memory with a bound."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import pytest

from repro.events import FAILURES
from repro.lab.faults.servers import Handler
from repro.observe.memory import MOST_BYTES
from repro.observe.process import GLUTTONY
from tests.hostile import servers
from tests.hostile.conftest import PASSWORD, TOKEN, Run

MEBIBYTE = 1 << 20
USUAL = 256 * MEBIBYTE
"""A probe needs a quarter of it."""

LATE_S = 10.0
"""A run that hangs is later; how late one may be is what tests/benchmarks/test_blackholes.py says."""

ALLOWANCE = 192 * MEBIBYTE
"""What may be taken between two looks at a probe that takes too much."""

ONE_OF_EACH = "tcp.raw,tcp.psycopg,tcp.asyncpg,http.neon,ws.neon,push.*"
OVER_HTTP = "http.neon,push.upstash-rest"
TOO_MUCH = f"unknown_failure: {GLUTTONY}"
TOO_DEEP = "unknown_failure: RecursionError maximum recursion depth exceeded"

COLUMN = servers.message(
    b"T", struct.pack("!H", 1) + b"x\0" + struct.pack("!IHIHIH", 0, 0, 25, 65535, 1 << 31, 0)
)
ROW = servers.message(b"D", struct.pack("!HI", 1, 1000) + b"y" * 1000)
LONG_ROW = servers.message(b"D", struct.pack("!HI", 1, servers.GIGABYTE), claimed=servers.GIGABYTE + 6)
NOTICE = servers.message(b"N", servers.fields_of_an_error("a notice"))
JSON = "Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Case:
    """A server, and what becomes of the drivers that meet it.

    Args:
        handler: what it does.
        only: the probes.
        deadline_s: of the run.
        failures: those that a probe may have.
        peak_bytes: of memory, at most.
    """

    handler: Handler
    only: str
    deadline_s: float
    failures: frozenset[str]
    peak_bytes: int = USUAL


def case(handler: Handler, only: str, deadline_s: float, *failures: str) -> Case:
    most = MOST_BYTES + ALLOWANCE if TOO_MUCH in failures else USUAL
    return Case(handler, only, deadline_s, frozenset(failures), most)


NOT_UNDERSTOOD = ("eof", "protocol_mismatch", "tls_protocol")

CASES = {
    "garbage": case(servers.garbage(), ONE_OF_EACH, 6, *NOT_UNDERSTOOD),
    "endless garbage": case(
        servers.endless(b"", b"A" * 999), ONE_OF_EACH, 6, *NOT_UNDERSTOOD, "timeout", TOO_MUCH
    ),
    "a byte a second": case(
        servers.dripping(b"HTTP/1.1 200 OK\r\n"), ONE_OF_EACH, 6, *NOT_UNDERSTOOD, "timeout"
    ),
    "rows without an end": case(
        servers.answering_with(COLUMN, again=ROW), "tcp.psycopg,tcp.asyncpg", 3, "timeout", TOO_MUCH
    ),
    "notices without an end": case(servers.flooding(NOTICE), "tcp.raw,tcp.psycopg", 3, "timeout", TOO_MUCH),
    "a row of a gigabyte": case(
        servers.answering_with(COLUMN + LONG_ROW, again=ROW),
        "tcp.psycopg,tcp.asyncpg",
        4,
        "timeout",
        TOO_MUCH,
    ),
    "an answer of a gigabyte": case(
        servers.http("200 OK", JSON, b'{"result":"', b"x" * 999, length=servers.GIGABYTE),
        OVER_HTTP,
        4,
        "timeout",
        TOO_MUCH,
    ),
    "headers without an end": case(
        servers.endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"z" * 90 + b"\r\n"),
        OVER_HTTP,
        4,
        "protocol_mismatch",
    ),
    "a frame of a gigabyte": case(
        servers.websocket(servers.frame(2, b"", claimed=servers.GIGABYTE), b"x" * 999),
        "ws.neon",
        4,
        "timeout",
        TOO_MUCH,
    ),
    "a bulk of a gigabyte": case(
        servers.redis(b"$%d\r\n" % servers.GIGABYTE, b"x" * 999), "push.redis-tcp", 4, "timeout", TOO_MUCH
    ),
    "arrays without an end": case(servers.redis(b"", b"*1\r\n"), "push.redis-tcp", 4, TOO_DEEP),
}


@pytest.mark.parametrize("name", CASES)
def test_a_finding_in_time_and_memory_that_has_a_bound(name: str, run_against: Run) -> None:
    hostile = CASES[name]

    ran = run_against(hostile.handler, only=hostile.only, deadline_s=hostile.deadline_s)

    assert ran.code == 1, ran.errors
    assert "Traceback" not in ran.errors
    assert set(ran.failures.values()) <= hostile.failures
    found = ran.document["findings"]
    assert {name for finding in found for name in finding["probes"]} == set(ran.failures)
    for finding in found:
        assert all((finding["title"], finding["evidence"])), finding
        assert finding["failure"] in FAILURES or finding["failure"].startswith("unknown_failure: ")
    assert ran.document["duration_s"] <= hostile.deadline_s + LATE_S
    assert ran.peak_bytes <= hostile.peak_bytes
    assert sum(file.stat().st_size for file in ran.run.rglob("*") if file.is_file()) < 4 * MEBIBYTE
    for trace in (ran.run / "trace").iterdir():
        assert all(json.loads(line)["op"] for line in trace.read_text("utf-8").splitlines())
    for file in (file for file in ran.folder.rglob("*") if file.is_file()):
        assert not {PASSWORD, TOKEN} & set(file.read_text("utf-8").split()), file
