from __future__ import annotations

from typing import Any

import pytest

from repro.report.html.room import Room
from repro.report.html.trace import cited_by, compared, event_id, read, select
from tests.report.conftest import event


def seqs(lines: Any) -> list[int]:
    return [line["seq"] for line in lines]


def test_failing_probes_come_first_and_the_skipped_ones_not_at_all(mishaps: Any) -> None:
    names = [trace.name for trace in read(mishaps.document, mishaps.events, Room())]

    assert names == ["tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg", "tcp.raw", "push.redis-tcp"]


def test_what_passed_on_the_same_transport_is_the_one_to_compare(origin: Any) -> None:
    assert compared(origin.document) == {"tcp.raw"}

    one = next(each for each in origin.document["probes"] if each["name"] == "tcp.asyncpg")
    one["transport"] = "http"

    assert compared(origin.document) == {"tcp.asyncpg"}


def test_a_failing_push_is_compared_with_a_push(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        outcome["status"] = "pass"
    failing = {**origin.document["probes"][-1], "name": "push.upstash-rest", "status": "fail"}
    origin.document["probes"].insert(0, failing)

    assert compared(origin.document) == {"push.redis-tcp"}


def test_without_a_passing_probe_there_is_none_to_compare(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        outcome["status"] = "fail"

    assert compared(origin.document) == set()


def test_times_are_told_since_the_probe_began(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        for stage in outcome["stages"]:
            stage |= {"t0": 5.0, "t": 5.25}
    origin.events["ws.neon"] = [event(1, "dns") | {"t0": 4.5, "t": 4.75}]

    trace = next(each for each in read(origin.document, origin.events, Room()) if each.name == "ws.neon")

    assert trace.zero_s == 4.5
    assert trace.end_ms == pytest.approx(750)
    assert trace.since_ms(4.625) == pytest.approx(125)
    assert trace.since_ms(1.0) == 0


def test_evidence_then_failures_then_steps_are_listed_before_messages() -> None:
    lines = [event(seq, "pg.msg", sender="client") for seq in range(1, 1_001)]
    lines[99] |= {"op": "connect"}
    lines[199] |= {"failure": "eof"}
    cited = {300: [1]}

    assert seqs(select(lines, cited, 1)) == [300]
    assert seqs(select(lines, cited, 2)) == [200, 300]
    assert seqs(select(lines, cited, 3)) == [100, 200, 300]
    assert seqs(select(lines, cited, 9)) == [1, 2, 100, 200, 300, 997, 998, 999, 1_000]
    assert select(lines, cited, 1_000) == lines


def test_a_line_knows_the_findings_that_it_is_evidence_of(origin: Any) -> None:
    evidence = {"probe": "ws.neon", "seq": 2, "text": ""}
    findings = [{"evidence": [evidence, evidence, {**evidence, "seq": None}]}, {"evidence": [evidence]}]

    assert cited_by("ws.neon", findings) == {2: [1, 2]}  # type: ignore[arg-type] # only what is looked at
    assert cited_by("http.neon", findings) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probe", "place"),
    [("ws.neon", "event-ws.neon-7"), ('a"b c', "event-a_22_b_20_c-7"), ("ä", "event-_e4_-7")],
)
def test_the_address_of_an_event(probe: str, place: str) -> None:
    assert event_id(probe, 7) == place


def test_less_room_has_an_end() -> None:
    room = Room()
    for _ in range(40):
        room = room.less()

    assert room == room.less()
    assert room.events > 0
    assert room.program == 0
