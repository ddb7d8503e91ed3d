"""The diagram of a probe's conversation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.conversation.sequence import MOST_PEERS, label, mermaid
from tests.report.conftest import Run, event, outcome
from tests.report.hostile import TEXTS, everywhere, with_text

LINE = re.compile(
    r"sequenceDiagram"
    r"|    participant [A-Z]\d* as [^\n#;]*(?:#\d+;[^\n#;]*)*"
    r"|    [A-Z]\d*(?:->>|-->>|-x|--x)[A-Z]\d*: [^\n#;]*(?:#\d+;[^\n#;]*)*"
    r"|    Note over P: [^\n#;]*(?:#\d+;[^\n#;]*)*"
)
"""What the diagrams use of mermaid's language; mermaid 11's own parser took all that these tests make."""


def of(run: Run, name: str, **more: int) -> str:
    found = next(each for each in run.document["probes"] if each["name"] == name)
    return mermaid(found, run.events.get(name, []), **more)


def test_a_refused_connection_is_drawn_as_what_it_was(origin: Run) -> None:
    assert of(origin, "ws.neon").splitlines() == [
        "sequenceDiagram",
        "    participant P as ws.neon",
        "    participant R as resolver",
        "    participant S1 as 127.0.0.1:443<br/>WebSocket",
        "    P->>R: localhost",
        "    R-->>P: 127.0.0.1",
        "    P-xS1: connect: ECONNREFUSED",
        "    Note over P: connect failed: connection refused",
        "    Note over P: nothing was applied",
    ]


def test_an_answer_that_never_came_is_drawn_and_the_doubt_told(mishaps: Run) -> None:
    drawn = of(mishaps, "tcp.psycopg").splitlines()
    assert drawn[-3].strip() == "S1--xP: no answer in time"
    assert drawn[-1].strip() == "Note over P: whether it was applied is not known"


def test_the_end_of_a_connection_is_drawn_where_the_answer_is_missing(mishaps: Run) -> None:
    found, lines = split(mishaps)
    assert found["error"] is not None
    found["error"] |= {"operation": "commit", "failure": "eof"}
    drawn = mermaid(found, lines[:5]).splitlines()
    assert drawn[4:8] == [
        "    P->>S1: BEGIN",
        "    P->>S2: INSERT INTO jobs",
        "    S2--xP: the server ended the connection",
        "    P->>S1: COMMIT",
    ]


def split(run: Run) -> tuple[Any, list[dict[str, Any]]]:
    """The transaction of `mishaps` that ran on two backends, and what each of them was told."""
    found = next(each for each in run.document["probes"] if each["name"] == "orm.sqlalchemy-psycopg")
    peer = {"address": "127.0.0.1", "port": 5433}
    said = [(1, "BEGIN"), (2, "INSERT INTO jobs"), (1, "COMMIT")]
    keys = [
        event(seq, "pg.msg", peer=peer, sender="server")
        | {"conn": seq, "pg.name": "BackendKeyData", "pg.pid": 1234 + seq}
        for seq in (1, 2)
    ]
    statements = [
        event(seq, "pg.msg", peer=peer, sender="client") | {"conn": conn, "pg.name": "Query", "pg.sql": sql}
        for seq, (conn, sql) in enumerate(said, start=3)
    ]
    note = event(9, "note", src="probe") | {"text": "transactions at once"}
    check = event(10, "pg.msg", peer=peer, sender="client") | {"pg.name": "Query", "pg.sql": "ROLLBACK"}
    return found, [*keys, *statements, note, check]


def test_a_transaction_that_is_none_is_drawn_on_the_backends_where_it_ran(mishaps: Run) -> None:
    assert mermaid(*split(mishaps)).splitlines() == [
        "sequenceDiagram",
        "    participant P as orm.sqlalchemy-psycopg",
        "    participant S1 as 127.0.0.1:5433<br/>Postgres, connection 1<br/>backend 1235",
        "    participant S2 as 127.0.0.1:5433<br/>Postgres, connection 2<br/>backend 1236",
        "    P->>S1: BEGIN",
        "    P->>S2: INSERT INTO jobs",
        "    S2--xP: no answer was seen",
        "    P->>S1: COMMIT",
        "    Note over P: atomicity failed: the transaction was not atomic",
        "    Note over P: one transaction ran on 2 backends under 2 transaction ids",
        "    Note over P: it was applied",
    ]


def test_of_a_check_that_failed_the_check_is_drawn(mishaps: Run) -> None:
    found, lines = split(mishaps)
    found["atomicity"] |= {"backends": [1235], "xids": ["754"]}
    drawn = mermaid(found, lines).splitlines()
    assert drawn[2:5] == [
        "    participant S1 as 127.0.0.1:5433<br/>Postgres, connection 1<br/>backend 1235",
        "    Note over P: transactions at once",
        "    P->>S1: ROLLBACK",
    ]


def test_of_many_checks_the_first_are_drawn(mishaps: Run) -> None:
    found, lines = split(mishaps)
    found["atomicity"] |= {"backends": [1235], "xids": ["754"]}
    lines += [{**lines[-1], "seq": seq, "t0": seq / 100, "pg.sql": f"S{seq}"} for seq in range(11, 90)]
    drawn = mermaid(found, lines, most=5)
    assert "ROLLBACK" in drawn
    assert "S89" not in drawn
    assert "76 steps are left out" in drawn


def test_of_very_many_connections_the_first_are_drawn() -> None:
    peer = {"address": "127.0.0.1", "port": 5433}
    lines = [
        event(seq, "pg.msg", peer=peer, sender="server")
        | {"conn": seq, "pg.name": "CommandComplete", "pg.tag": f"T{seq}"}
        for seq in range(1, 20)
    ]
    drawn = mermaid(outcome("tcp.raw", "tcp", ("x", "1"), 5433), lines)
    assert drawn.count("participant") == 1 + MOST_PEERS
    assert f"T{MOST_PEERS}" in drawn
    assert f"T{MOST_PEERS + 1}" not in drawn
    assert f"Note over P: {19 - MOST_PEERS} steps are on more connections, and not drawn" in drawn


def test_of_many_steps_the_begin_and_the_end_are_drawn(origin: Run) -> None:
    lines = [event(seq, "dns") | {"dns.name": f"n{seq}", "dns.answers": ["::1"]} for seq in range(1, 60)]
    drawn = mermaid(outcome("tcp.raw", "tcp", ("x", "1"), 1, stages=[]), lines, most=10).splitlines()
    assert len(drawn) == 3 + 10 + 1
    assert "n1" in drawn[3]
    assert "steps are left out" in drawn[5]
    assert "n59" in drawn[-2]


def test_without_a_trace_there_is_nothing_to_draw(origin: Run) -> None:
    found = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    assert mermaid(found, []) == ""


@pytest.mark.parametrize("text", [*TEXTS.values(), "%%{init: {}}%%", "end", "wrap: x", 'a"; participant Q'])
def test_no_text_is_more_than_a_label(text: str, origin: Run, mishaps: Run) -> None:
    for run in (origin, mishaps):
        hostile = with_text(run, text)
        for each in hostile.document["probes"]:
            for line in mermaid({**each, "name": text}, hostile.events.get(each["name"], [])).splitlines():
                assert LINE.fullmatch(line), line


@pytest.mark.parametrize("text", TEXTS.values())
def test_no_text_in_any_field_is_more_than_a_label(text: str, mishaps: Run) -> None:
    _, lines = split(mishaps)
    mishaps.events["orm.sqlalchemy-psycopg"] = lines
    hostile = everywhere(mishaps, text)
    for each in hostile.document["probes"]:
        for line in mermaid(each, hostile.events.get(each["name"], [])).splitlines():
            assert LINE.fullmatch(line), line


@given(st.text(max_size=60))
def test_a_label_holds_nothing_that_mermaid_reads(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9 .,:/()_\[\]=+*?→…-]*", re.sub(r"#\d+;", "", label(text)))
