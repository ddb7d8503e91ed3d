"""Where two traces part, and what is no parting."""

from __future__ import annotations

from typing import Any

import pytest

from repro.report.difference import Side, compare
from repro.report.difference.model import Parting
from tests.report.conftest import Lines, event
from tests.report.difference.pairs import (
    PROBE,
    connect,
    head,
    message,
    numbered,
    run_with,
    transaction,
)

HEALTHY = [connect(1, 5433, 0.1), *transaction(1, 0.2)]


def parting(a: Side, b: Side) -> Parting | None:
    (probe,) = compare(a, b).probes
    assert probe.name == PROBE
    return probe.parting


def of(a: Lines, b: Lines) -> Parting | None:
    return parting(run_with(numbered(a)), run_with(numbered(b)))


def test_a_run_does_not_part_from_itself() -> None:
    assert of(HEALTHY, HEALTHY) is None


def test_what_a_system_chooses_is_no_parting() -> None:
    first, second = "20260131-235959-3f9a2c", "20260201-000001-aaaaaa"
    statement = "__asyncpg_0d12f9dd-2c87-4870-9988-3cc178406fb{}__"

    def made(run_id: str, port: int, letter: str, pid: int) -> Side:
        schema = f'"txrepro_{run_id.replace("-", "_")}_tcp".jobs'
        lines = [
            event(0, "dns") | {"dns.name": "localhost", "dns.port": port, "conn": None, "t0": 0.0, "t": 0.01},
            connect(pid, port, 0.1),
            message(pid, 0.15, "server", "BackendKeyData", pid=pid),
            message(pid, 0.16, "client", "Parse", statement=statement.format(letter), sql="SELECT"),
            *transaction(pid, pid / 10, schema=schema),
        ]
        return run_with(numbered([{**line, "pid": pid} for line in lines]), port=port, run_id=run_id)

    found = compare(made(first, 40001, "a", 7), made(second, 50001, "b", 9))

    assert found.probes[0].parting is None
    assert found.same


def test_a_port_that_no_system_chose_is_one() -> None:
    found = parting(
        run_with(numbered([connect(1, 45433, 0.1)]), port=45433),
        run_with(
            numbered([connect(1, 443, 0.1, failure="connection_refused", errno="ECONNREFUSED")]), port=45433
        ),
    )

    assert found is not None
    assert found.a.events == ["connect 127.0.0.1:45433 connected"]
    assert found.b.events == ["connect 127.0.0.1:443 ECONNREFUSED"]


def test_the_parting_has_what_was_before_and_after_it() -> None:
    broken = [*HEALTHY[:6], message(1, 0.9, "server", "ErrorResponse", sqlstate="23505", severity="ERROR")]

    found = of(HEALTHY, broken)

    assert found is not None
    assert found.where == "connection 1"
    assert found.before == [
        "<- ReadyForQuery in transaction",
        "-> Query INSERT INTO jobs",
        "<- CommandComplete INSERT 0 3",
    ]
    assert found.a.events[0] == "<- ReadyForQuery in transaction"
    assert found.b.events == ["<- ErrorResponse ERROR 23505"]
    assert (found.a.seq, found.b.seq) == (7, 7)


def test_a_trace_that_ends_before_the_other_parts_where_it_ends() -> None:
    found = of(HEALTHY, HEALTHY[:-1])

    assert found is not None
    assert found.a.events == ["<- ReadyForQuery idle"]
    assert (found.b.events, found.b.seq) == ([], None)


def test_connections_may_be_opened_and_used_in_another_order() -> None:
    def at_once(first: str, second: str) -> Lines:
        return [
            connect(1, 5433, 0.1),
            connect(2, 5433, 0.11),
            *transaction(1, 0.2, first),
            *transaction(2, 0.2001, second),
        ]

    assert of(at_once("COMMIT", "ROLLBACK"), at_once("ROLLBACK", "COMMIT")) is None
    assert of(at_once("COMMIT", "ROLLBACK"), at_once("COMMIT", "COMMIT")) is not None


def test_a_transaction_that_is_split_over_connections_is_a_parting() -> None:
    both = [connect(1, 5433, 0.1), connect(2, 5433, 0.1)]
    split = [{**line, "conn": 2} if "INSERT" in str(line) else line for line in transaction(1, 0.2)]

    found = of([*both, *transaction(1, 0.2)], [*both, *split])

    assert found is not None


def test_messages_that_belong_to_no_connection_may_mingle_in_any_order() -> None:
    lines = [*transaction(None, 0.2), *transaction(None, 0.3, "ROLLBACK")]
    mingled = [{**line, "t": line["t"] + 0.1 * (number % 2)} for number, line in enumerate(lines)]

    assert of(lines, mingled) is None
    assert of(lines, mingled[:-1]) is not None


def test_an_attempt_that_is_told_after_what_was_sent_on_it_is_still_the_first() -> None:
    late = [{**HEALTHY[0], "t": 0.2005}, *HEALTHY[1:]]

    assert of(HEALTHY, late) is None


def test_how_many_frames_carry_the_messages_is_no_parting() -> None:
    def framed(*times: float) -> Lines:
        frames = [event(0, "ws.frame", sender="server") | {"ws.opcode": "binary", "t": at} for at in times]
        return [*HEALTHY, *frames]

    assert of(framed(0.3), framed(0.3, 0.31)) is None


def test_settings_of_the_server_are_facts_and_no_events() -> None:
    def told(value: str) -> Lines:
        return [
            *HEALTHY,
            message(1, 0.15, "server", "ParameterStatus", parameter="TimeZone", parameter_value=value),
        ]

    a, b = run_with(numbered(told("UTC"))), run_with(numbered(told("Europe/Berlin")))
    found = compare(a, b)

    assert found.probes[0].parting is None
    assert [(row.name, row.a, row.b) for section in found.facts for row in section.differing] == [
        ("TimeZone", "UTC", "Europe/Berlin")
    ]


def test_what_only_one_run_could_see_is_no_parting() -> None:
    alone = {**connect(9, 9000, 0.5), "src": "kernel", "claimed": False}
    a = run_with(numbered([*HEALTHY, alone]))
    b = run_with(numbered(HEALTHY))
    b = Side(b.document, {PROBE: [head("hook"), *list(b.events[PROBE])[1:]]})

    assert parting(a, b) is None


def test_a_lookup_that_only_one_needed_is_told_after_what_it_led_to() -> None:
    lookup: dict[str, Any] = event(0, "dns") | {"dns.name": "localhost", "conn": None, "t0": 0.0, "t": 0.01}
    found = of([lookup, *HEALTHY], [connect(1, 443, 0.1)])

    assert found is not None
    assert found.where == "connection 1"
    assert found.further == 1


def test_a_failing_lookup_is_told_first() -> None:
    lookup: dict[str, Any] = event(0, "dns") | {"dns.name": "db", "conn": None, "t0": 0.0, "t": 0.01}
    found = of([lookup, *HEALTHY], [{**lookup, "failure": "dns_nxdomain"}])

    assert found is not None
    assert found.where == "lookups"


def test_of_runs_that_wrote_and_did_not_write_the_logins_are_compared() -> None:
    temporary = [connect(1, 5433, 0.1), *transaction(1, 0.2, schema="pg_temp.jobs")]
    durable = [*HEALTHY, connect(2, 5433, 0.5), *transaction(2, 0.6)]
    a, b = run_with(numbered(temporary)), run_with(numbered(durable))
    a.document["transaction"]["effect"] = "rollback"

    assert parting(a, b) is None

    refused = [{**durable[0], "failure": "connection_refused", "errno": "ECONNREFUSED"}]
    assert parting(a, run_with(numbered(refused))) is not None


@pytest.mark.parametrize("length", [4_500])
def test_a_long_trace_is_compared_in_time(length: int) -> None:
    many = [
        message(1, number / 1000, "client", "Query", sql=f"SELECT {number % 7}") for number in range(length)
    ]

    found = of(many, [{**many[0], "pg.sql": "SELECT 9"}, *many[1:]])

    assert found is not None
    assert found.a.seq == found.b.seq == 1


def test_a_trace_of_nothing_but_its_head_is_compared() -> None:
    assert parting(run_with([]), run_with([])) is None


def test_of_very_long_traces_the_begin_is_compared_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.report.difference.comparing.MOST_EVENTS", len(HEALTHY))
    longer = [*HEALTHY, *transaction(1, 5.0)]

    (same,) = compare(run_with(numbered(longer)), run_with(numbered([*longer, *transaction(1, 9.0)]))).probes
    (other,) = compare(run_with(numbered(longer)), run_with(numbered(longer[1:]))).probes

    assert same.parting is None
    assert same.remarks == [f"only the first {len(HEALTHY):,} events of its traces are compared"]
    assert other.parting is not None


def test_that_a_cut_trace_has_no_more_on_a_connection_is_no_parting(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [connect(1, 5433, 0.1), connect(2, 5433, 0.1), *transaction(1, 0.2), *transaction(2, 0.6)]
    other = [connect(1, 5433, 0.1), connect(2, 5433, 0.1), *transaction(2, 0.2), *transaction(1, 0.6)]
    monkeypatch.setattr("repro.report.difference.comparing.MOST_EVENTS", len(two) - 3)

    assert of([*two, two[-1]], [*other, other[-2], other[-1]]) is None
