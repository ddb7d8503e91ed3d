"""What the traces of a run show: each fact once, by the kernel and by the messages on the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.document import read_events, read_run
from tests.end_to_end.test_lab_run import the_run

Make = Callable[..., Any]

Lines = list[dict[str, Any]]

INTERACTIVE = [
    *("tcp.raw", "tcp.psycopg", "tcp.psycopg-async", "tcp.asyncpg"),
    *("orm.sqlalchemy-psycopg", "orm.sqlalchemy-asyncpg", "ws.neon"),
]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lines]:
    """Every probe's trace, of one run on the lab."""
    from tests.end_to_end.conftest import Command  # noqa: PLC0415 - a module's own fixture cannot ask another

    folder = tmp_path_factory.mktemp("traced")
    done = Command(folder, {})("run")
    assert done.returncode == 0, done.stderr
    run = the_run(folder)
    return {name: list(lines) for name, lines in read_events(run, read_run(run)).items()}


def test_every_connect_was_seen_by_the_kernel_and_by_a_hook(traces: dict[str, Lines]) -> None:
    for name, lines in traces.items():
        assert lines[0]["kernel"] == "seccomp", lines[0]["kernel.reason"]
        connects = [line for line in lines if line["op"] == "connect"]
        assert connects, name
        assert all(line["seen_by"] == ["kernel", "hook"] for line in connects), connects


@pytest.mark.parametrize("name", INTERACTIVE)
def test_the_production_transaction_is_on_the_wire_in_order(name: str, traces: dict[str, Lines]) -> None:
    statements = [line["pg.sql"] for line in traces[name] if line["op"] == "pg.msg" and line.get("pg.sql")]
    begins = [at for at, sql in enumerate(statements) if sql.startswith("BEGIN")]
    inserts = [at for at, sql in enumerate(statements) if "INSERT INTO" in sql]
    assert begins
    assert inserts
    assert "COMMIT" in " ".join(statements[inserts[1] :]).upper()
    tags = [line["pg.tag"] for line in traces[name] if line.get("pg.tag")]
    assert {"BEGIN", "COMMIT", "ROLLBACK"} <= set(tags)


def test_no_message_is_told_by_two_owners(traces: dict[str, Lines]) -> None:
    for name, lines in traces.items():
        queries = [line for line in lines if line["op"] == "pg.msg" and line["pg.name"] == "ReadyForQuery"]
        sources = {line["src"] for line in queries}
        assert len(sources) <= 1 or name == "ws.neon", (name, sources)
        keys = [(line["op"], line["t"], line["conn"], line.get("pg.name"), line.get("len")) for line in lines]
        assert len([key for key in keys if key[0] == "http.request"]) == len(
            {key for key in keys if key[0] == "http.request"}
        )


def test_redis_and_http_messages_are_there(traces: dict[str, Lines]) -> None:
    commands = [line["redis.cmd"] for line in traces["push.redis-tcp"] if line["op"] == "redis.cmd"]
    assert "EVAL" in commands
    http = [line for line in traces["push.upstash-rest"] if line["op"] == "http.response"]
    assert http
    assert all(line["http.status"] == 200 for line in http)
    assert {"ws.frame"} <= {line["op"] for line in traces["ws.neon"]}


def test_with_a_tap_and_a_capture(command: Make, tmp_path: Path) -> None:
    done = command()("run", "--only", "tcp.raw,push.redis-tcp", "--tap", "--pcap")
    assert done.returncode == 0, done.stderr
    run = the_run(tmp_path)
    document = read_run(run)
    for lines in read_events(run, document).values():
        connects = [line for line in lines if line["op"] == "connect"]
        if connects:
            assert all(line["observer"] == "tap" for line in connects)
            assert {"hook", "kernel", "tap"} <= set(lines[0]["sources"])
            ports = {line["peer"]["port"] for line in lines if line["peer"]}
            assert ports == {connects[0]["peer"]["port"]}, "the tap's own address is nobody's peer"
    assert (run / "trace.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert document["environment"]["command"] == "repro run --only tcp.raw,push.redis-tcp --tap --pcap"
