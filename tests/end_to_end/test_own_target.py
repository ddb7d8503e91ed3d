"""`repro run` on a target of one's own: the origin's situation, and nothing durable left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repro.document import RunDocument, read_run
from repro.lab.process import Lab

Make = Callable[..., Any]

SERVERLESS = ("http.neon", "ws.neon")


def something_listens_on_443() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 443)) == 0


def the_run(folder: Path) -> RunDocument:
    (run,) = (folder / "reports").iterdir()
    return read_run(run)


def catalogue(url: str) -> list[tuple[Any, ...]]:
    """Every relation, schema and sequence of a database, and how many rows are in it."""
    with psycopg.connect(url) as connection:
        relations = connection.execute(
            "SELECT relnamespace::regnamespace::text, relname, relkind FROM pg_class"
            " WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            " ORDER BY 1, 2"
        ).fetchall()
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1"
        ).fetchall()
    return [*relations, *schemas]


@pytest.mark.skipif(something_listens_on_443(), reason="something listens on 127.0.0.1:443")
def test_the_origins_situation(command: Make, tmp_path: Path, lab: Lab) -> None:
    done = command(DATABASE_URL=lab.environment["DATABASE_URL"])("run")

    assert done.returncode == 1, done.stderr
    document = the_run(tmp_path)
    probes = {probe["name"]: probe for probe in document["probes"]}
    for name in SERVERLESS:
        error = probes[name]["error"]
        assert error is not None
        assert (error["failure"], error["operation"]) == ("connection_refused", "connect")
        assert str(error["address"]).endswith(":443")
        assert error["errno"] == "ECONNREFUSED"
        assert error["chain"][-1]["code"] == "ECONNREFUSED"
        assert [endpoint["port"] for endpoint in probes[name]["predicted"]] == [443]
        assert probes[name]["applied"] == "no"
    passed = {name for name, probe in probes.items() if probe["status"] == "pass"}
    assert passed == set(probes) - {*SERVERLESS, "push.redis-tcp", "push.upstash-rest"}
    (finding,) = document["findings"]
    assert (finding["cause"], finding["probes"]) == ("sl-localhost-443", list(SERVERLESS))
    assert finding["proof"] == "confirmed"


@pytest.mark.parametrize("flags", [(), ("--commit",)], ids=["temporary", "commit"])
def test_nothing_durable_is_left_behind(
    command: Make, tmp_path: Path, lab: Lab, flags: tuple[str, ...]
) -> None:
    url = lab.environment["DATABASE_URL"]
    before = catalogue(url)

    done = command(**lab.environment)("run", *flags)

    assert done.returncode == 0, done.stderr
    assert catalogue(url) == before
    document = the_run(tmp_path)
    assert document["transaction"]["effect"] == ("commit" if flags else "rollback")
    assert {probe["atomicity"]["status"] for probe in document["probes"]} == {"held", "not_applicable"}


def test_an_env_file_is_a_target(command: Make, tmp_path: Path, lab: Lab) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={lab.environment['DATABASE_URL']}\n")

    done = command()("run", "--env-file", ".env", "--only", "tcp.raw")

    assert done.returncode == 0, done.stderr
    assert the_run(tmp_path)["target"]["kind"] == "env"


def test_a_cause_with_a_safe_change_is_proved_by_experiment(command: Make, tmp_path: Path, lab: Lab) -> None:
    url = lab.environment["DATABASE_URL"].replace("postgresql://", "postgres://")
    only = ("--only", "orm.sqlalchemy-psycopg,tcp.raw")
    done = command(**{**lab.environment, "DATABASE_URL": url, "POSTGRES_URL": url})("run", *only)

    assert done.returncode == 1, done.stderr
    (finding,) = the_run(tmp_path)["findings"]
    assert (finding["cause"], finding["proof"]) == ("cfg-sa-postgres-scheme", "confirmed")
    assert finding["experiment"] is not None
    assert finding["experiment"]["baseline"] == {"runs": 3, "failed": 3}
    assert finding["experiment"]["changed"] == {"runs": 3, "failed": 0}
    assert "proof: unchanged it failed 3 of 3 times, and 0 of 3 with" in done.stderr
