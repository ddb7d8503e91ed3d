"""What a reduction starts from."""

from __future__ import annotations

from typing import Any, cast

from repro.document import RunDocument
from repro.reproduce.drivers import DRIVERS
from repro.reproduce.start import program_of, versions_in
from tests.diagnose.test_engine import outcome


def run(**changes: Any) -> RunDocument:
    document = {
        "run_id": "20260131-235959-3f9a2c",
        "environment": {"drivers": {"sqlalchemy": "2.0.1", "asyncpg": "0.31.0", "psycopg": "3.2.9"}},
        "findings": [],
        "transaction": {"statements": [], "effect": "rollback"},
    }
    return cast("RunDocument", {**document, **changes})


def failed(name: str, driver: str | None = None, version: str | None = None, **more: Any) -> Any:
    made = outcome(name, failure="sql_error", operation="authenticate", sqlstate="42704")
    return {**made, "driver": {"name": driver, "version": version}, **more}


def test_the_versions_are_those_that_the_probe_had() -> None:
    orm = failed("orm.sqlalchemy-asyncpg", "SQLAlchemy", "2.1.0", versions={"asyncpg": "0.30.0"})
    assert versions_in(run(), orm, DRIVERS["orm.sqlalchemy-asyncpg"]) == {
        "sqlalchemy[asyncio]": "2.1.0",
        "asyncpg": "0.30.0",
    }
    unknown = failed("node.pg")
    assert versions_in(run(environment={}), unknown, DRIVERS["node.pg"]) == {"pg": ""}


def test_its_first_lines_say_how_it_fails_and_what_was_found_of_the_target() -> None:
    finding = {"cause": "cfg-x", "title": "A title", "proof": "confirmed", "probes": ["tcp.asyncpg"]}
    other = {**finding, "cause": "cfg-y", "probes": ["tcp.psycopg"]}
    unknown = {**finding, "cause": None}
    probe = failed("tcp.asyncpg", "asyncpg", "0.31.0")

    program = program_of(run(findings=[finding, other, unknown]), probe, DRIVERS["tcp.asyncpg"], {}, {})

    assert program.failure == "asyncpg 0.31.0: authenticate fails: the server refused it (42704)."
    assert program.origin == (
        "Made by txrepro from the run 20260131-235959-3f9a2c, probe tcp.asyncpg, where it found: "
        "A title (cfg-x, confirmed)."
    )
    assert program.causes == ["cfg-x"]
    assert program.text.startswith('"""asyncpg 0.31.0: authenticate fails')


def test_a_run_that_made_its_own_schema_may_need_that_right() -> None:
    probe = failed("tcp.asyncpg", "asyncpg", "0.31.0")
    durable = run(transaction={"statements": [], "effect": "commit"})

    for document, makes in ((durable, True), (run(), False)):
        program = program_of(document, probe, DRIVERS["tcp.asyncpg"], {}, {})
        assert ("CREATE SCHEMA" in program.text) is makes
        assert program.text.count("DROP SCHEMA") == makes
