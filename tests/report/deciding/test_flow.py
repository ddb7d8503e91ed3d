"""Which driver dials which server."""

from __future__ import annotations

import re

import pytest

from repro.report.deciding import flow
from tests.report.conftest import Run, dialogue, event
from tests.report.hostile import TEXTS, with_text

LINE = re.compile(
    r"flowchart LR"
    r"|    [ds]\d+\[\"[^\"\n]*\"\]"
    r"|    d\d+ (?:-->|--x)\|\"[^\"\n]*\"\| s\d+"
    r"|    s\d+ --> b\d+\[\"[^\"\n]*\"\]"
)
"""What the charts use of mermaid's language."""


def test_drivers_that_dial_one_address_meet_there(origin: Run) -> None:
    found = {way.probe: way for way in flow.ways(origin.document, origin.events)}
    assert found["ws.neon"].place == found["http.neon"].place == "127.0.0.1:443"
    assert found["tcp.psycopg"].place == "127.0.0.1:5433"
    assert (found["ws.neon"].passed, found["ws.neon"].says) == (False, "connect: connection refused")
    assert (found["tcp.psycopg"].passed, found["tcp.psycopg"].role) == (True, "Postgres")


def test_what_was_skipped_takes_no_way(mishaps: Run) -> None:
    assert not {"push.upstash-rest", "http.neon"} & {
        way.probe for way in flow.ways(mishaps.document, mishaps.events)
    }


def test_without_a_trace_the_error_says_where(origin: Run) -> None:
    found = {way.probe: way.place for way in flow.ways({**origin.document}, {})}
    assert found["tcp.psycopg"] == flow.NOWHERE


def test_what_answered_from_behind_a_gateway_is_told(healthy: Run) -> None:
    found = {way.probe: way for way in flow.ways(healthy.document, healthy.events)}
    assert (found["ws.neon"].role, found["ws.neon"].behind) == ("WebSocket", "PostgreSQL 17.10")
    assert (found["tcp.psycopg"].role, found["tcp.psycopg"].behind) == ("Postgres", "")
    assert 's2 --> b2["PostgreSQL 17.10<br/>behind it"]' in flow.mermaid(list(found.values()))


def test_behind_what_was_not_reached_there_is_nothing(origin: Run) -> None:
    assert {way.behind for way in flow.ways(origin.document, origin.events)} == {""}


@pytest.mark.parametrize(("method", "role"), [("CONNECT", "a proxy"), ("GET", "not what was predicted")])
def test_what_was_not_predicted_is_called_that(method: str, role: str, healthy: Run) -> None:
    request = event(3, "http.request", sender="client") | {"http.method": method}
    events = {**healthy.events, "ws.neon": [*dialogue(8080), request]}
    found = {way.probe: way for way in flow.ways(healthy.document, events)}
    assert (found["ws.neon"].place, found["ws.neon"].role) == ("127.0.0.1:8080", role)


def test_the_chart_has_a_line_for_each_way(origin: Run) -> None:
    found = flow.ways(origin.document, origin.events)
    chart = flow.mermaid(found)
    assert chart.count("-->") == sum(way.passed for way in found)
    assert chart.count("--x") == sum(not way.passed for way in found)


@pytest.mark.parametrize("text", [*TEXTS.values(), 'a"] --> b["', "end", "%%{init: {}}%%"])
def test_no_text_is_more_than_a_label(text: str, origin: Run) -> None:
    run = with_text(origin, text)
    for each in run.document["probes"]:
        each["name"] = text
    for line in flow.mermaid(flow.ways(run.document, run.events)).splitlines():
        assert LINE.fullmatch(line), line
