"""Runs with very many events, as a driver that never stops makes them: the same for the same numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.diagnose.undiagnosed import findings
from repro.document import Outcome, RunDocument, assemble
from repro.document.assembly import iso
from repro.document.visibility import record
from tests.report.conftest import DATABASE, STATEMENTS, stages

Line = dict[str, Any]

RUN_ID = "20261126-120000-a1b2c3"
BEGIN = datetime(2026, 11, 26, 12, tzinfo=UTC)

_PEER = {"address": "127.0.0.1", "port": 5432}
_MESSAGES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("client", {"pg.name": "Query", "pg.sql": STATEMENTS[1]}),
    ("server", {"pg.name": "RowDescription", "pg.columns": 1}),
    ("server", {"pg.name": "DataRow", "pg.columns": 1}),
    ("server", {"pg.name": "CommandComplete", "pg.tag": "INSERT 0 1"}),
    ("server", {"pg.name": "ReadyForQuery", "pg.status": "T"}),
)
_OF_A_CONNECTION = 400
"""Events of a connection before the driver makes the next one."""


def write(folder: Path, probes: int, events: int) -> Path:
    """Write a run whose probes all fail, each after so many events.

    Args:
        folder: where; it is made.
        probes: how many.
        events: of each of them.

    Returns:
        The folder.
    """
    run = document(probes)
    (folder / "trace").mkdir(parents=True)
    for outcome in run["probes"]:
        with (folder / str(outcome["events"])).open("w", encoding="utf-8") as file:
            for line in trace(outcome["name"], events):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "run.json").write_text(json.dumps(run), "utf-8")
    return folder


def document(probes: int) -> RunDocument:
    """A run whose probes all fail alike."""
    outcomes = [_outcome(f"tcp.long-{number}") for number in range(probes)]
    return assemble(
        run_id=RUN_ID,
        started_at=BEGIN,
        duration_s=60.0,
        tool_version="0",
        environment={"python": "3.12"},
        target={"kind": "env", "database": {"url": "postgresql://localhost:5432/app"}},
        statements=STATEMENTS,
        effect="rollback",
        outcomes=outcomes,
        findings=findings(outcomes, {}),
    )


def _outcome(name: str) -> Outcome:
    message = "server closed the connection unexpectedly"
    return {
        "name": name,
        "driver": {"name": "psycopg", "version": "3.3.9"},
        "transport": "tcp",
        "predicted": [
            {
                "url": "postgresql://localhost:5432",
                "host": "localhost",
                "port": 5432,
                "protocol": "postgresql",
            }
        ],
        "status": "fail",
        "reason": None,
        "duration_ms": 60_000.0,
        "stages": stages(DATABASE, "commit", "eof"),
        "error": {
            "failure": "eof",
            "operation": "commit",
            "type": "psycopg.OperationalError",
            "message": message,
            "sqlstate": None,
            "errno": None,
            "address": "127.0.0.1:5432",
            "chain": [{"type": "psycopg.OperationalError", "message": message, "code": None}],
        },
        "atomicity": {"status": "not_checked", "backends": [], "xids": [], "detail": {}},
        "applied": "unknown",
        "events": f"trace/{name}.jsonl",
    }


def trace(probe: str, events: int) -> Iterator[Line]:
    """The trace of one of them, its head first."""
    yield record(
        run_id=RUN_ID,
        probe=probe,
        sources=["hook", "kernel"],
        cannot_see=[],
        wall_clock_origin=iso(BEGIN),
    )
    for seq, told in enumerate(itertools.islice(_happening(), events - 2), start=1):
        yield _line(seq, **told)
    yield _line(events - 1, op="close", conn=1, failure="eof", errno=None)


def _happening() -> Iterator[Line]:
    """A lookup, then connections without end, each with its statements; every tenth attempt is refused."""
    yield {"op": "dns", "conn": None, "peer": None, "dns.name": "localhost", "dns.answers": ["127.0.0.1"]}
    for conn in itertools.count(1):
        if conn % 10 == 0:
            yield {"op": "connect", "conn": conn, "failure": "connection_refused", "errno": "ECONNREFUSED"}
            continue
        yield {"op": "connect", "conn": conn, "net.family": "inet", "seen_by": ["kernel", "hook"]}
        for sender, said in itertools.islice(itertools.cycle(_MESSAGES), _OF_A_CONNECTION):
            yield {"op": "pg.msg", "conn": conn, "sender": sender, "len": 30, **said}


def _line(seq: int, **told: Any) -> Line:
    moment = round(seq * 0.00005, 6)
    common = {"seq": seq, "t0": moment, "t": moment, "src": "hook", "op": "", "conn": None, "pid": 4711}
    return {**common, "peer": _PEER, "failure": None, "errno": None, **told}
