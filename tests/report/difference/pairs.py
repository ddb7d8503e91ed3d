"""Small runs in pairs, made by hand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from repro.report.difference import Side
from tests.report.conftest import Lines, Run, event, outcome, run_of

PROBE = "tcp.asyncpg"
HOSTILE = "]]></p>```\n::error::<img src=x> | @someone #1 \x1b[31m\x07\u202e\x00\r\n[a](http://b)"


def side(run: Run) -> Side:
    """A run as one side of a comparison."""
    return Side(run.document, run.events)


def run_with(lines: Lines, *, port: int = 5433, name: str = PROBE, run_id: str = "", **found: Any) -> Side:
    """A run of one probe whose trace is given, with the head that says who was looking."""
    one = outcome(name, "tcp", ("asyncpg", "0.31.0"), port, **found)
    run = run_of([one], {name: [head(), *lines]}, kind="lab", effect="commit")
    run.document["target"] = {"kind": "lab", "database": {"endpoints": [f"postgresql://localhost:{port}"]}}
    if run_id:
        run.document["run_id"] = run_id
    return side(run)


def head(*sources: str) -> dict[str, Any]:
    return event(0, "visibility") | {"sources": list(sources or ("hook", "kernel")), "cannot_see": []}


def connect(conn: int, port: int, at: float, **fields: Any) -> dict[str, Any]:
    line = event(0, "connect", peer={"address": "127.0.0.1", "port": port})
    return {**line, "conn": conn, "t0": at, "t": at + 0.002, **fields}


def message(conn: int | None, at: float, sender: str, name: str, **fields: Any) -> dict[str, Any]:
    told = {f"pg.{field}": value for field, value in fields.items()}
    line = event(0, "pg.msg", sender=sender)
    return {**line, "conn": conn, "t0": at, "t": at, "len": 40, "pg.name": name, **told}


def transaction(conn: int | None, at: float, end: str = "COMMIT", schema: str = "jobs") -> Lines:
    """A transaction on one connection: four queries and their answers."""
    lines = []
    for step, (sql, tag, status) in enumerate(
        (("BEGIN", "BEGIN", "T"), (f"INSERT INTO {schema}", "INSERT 0 3", "T"), (end, end, "I"))
    ):
        moment = at + step / 100
        lines += [
            message(conn, moment, "client", "Query", sql=sql),
            message(conn, moment + 0.001, "server", "CommandComplete", tag=tag),
            message(conn, moment + 0.001, "server", "ReadyForQuery", status=status),
        ]
    return lines


def numbered(lines: Sequence[dict[str, Any]]) -> Lines:
    """In the order in which they ended, with their numbers."""
    ordered = sorted(lines, key=lambda line: line["t"])
    return [{**copy.deepcopy(line), "seq": number} for number, line in enumerate(ordered, 1)]
