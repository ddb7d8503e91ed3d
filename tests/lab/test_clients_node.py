"""The original JavaScript clients, pinned by the lock file, through the lab's gateways over TLS.

Their packages are installed once into the user's cache, as those of the Node probes are. Without Node the
tests skip; with ``TXREPRO_REQUIRE_NODE=1`` they fail instead.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from repro.environments.node import NodeUnavailable, provide
from repro.lab.process import Lab

pytestmark = pytest.mark.node

CLIENTS = Path(__file__).resolve().parent.parent / "clients_node"
SCRIPT_S = 60

Script = Callable[..., dict[str, Any]]


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("TXREPRO_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def workspace() -> Path:
    """The scripts beside the packages that they import."""
    try:
        return provide(os.environ, print, scripts=CLIENTS)
    except NodeUnavailable as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def node(workspace: Path) -> str:
    """The path of Node."""
    return str(shutil.which("node"))


@pytest.fixture
def table(lab: Lab) -> Iterator[str]:
    """The qualified name of an empty table ``(id serial primary key, name text unique)``."""
    schema = f"node_{secrets.token_hex(6)}"
    url, ca = lab.environment["DATABASE_URL"], lab.environment["SSL_CERT_FILE"]
    with psycopg.connect(url, autocommit=True, sslmode="verify-full", sslrootcert=ca) as connection:
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.jobs (id serial primary key, name text unique)")
        yield f"{schema}.jobs"
        connection.execute(f"drop schema {schema} cascade")


@pytest.fixture
def run(lab: Lab, node: str, workspace: Path, table: str) -> Script:
    """Run a script and give what it reports."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **lab.environment,
        "JOBS_TABLE": table,
        "QUEUE_KEY": f"node:{secrets.token_hex(6)}",
        "READ_ONLY_TOKEN": lab.read_only_token,
    }

    def run(script: str) -> dict[str, Any]:
        done = subprocess.run(
            [node, script],
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SCRIPT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run


def test_neon_http(run: Script) -> None:
    results = run("neon_http.mjs")
    assert results["single"] == [{"a": 7, "b": None, "c": {"k": 1}, "d": ["x", 'y"'], "e": True}]
    full = results["full"]
    assert (full["rows"], full["rowAsArray"], full["rowCount"], full["command"]) == (
        [[1, 2]],
        True,
        1,
        "SELECT",
    )
    assert results["committed"] == [[{"name": "a"}], [{"name": "b"}]]
    assert results["afterCommit"] == 2
    first, second = results["pids"]
    assert first == second
    assert results["options"] == [
        [{"transaction_isolation": "serializable"}],
        [{"transaction_read_only": "on"}],
    ]
    assert results["large"] == 9_000_000


def test_neon_http_errors(run: Script) -> None:
    results = run("neon_http.mjs")
    duplicate = results["duplicate"]
    assert (duplicate["name"], duplicate["code"], duplicate["severity"]) == ("NeonDbError", "23505", "ERROR")
    assert duplicate["message"] == 'duplicate key value violates unique constraint "jobs_name_key"'
    assert duplicate["detail"] == "Key (name)=(a) already exists."
    assert duplicate["constraint"] == "jobs_name_key"
    assert isinstance(duplicate["line"], str)
    assert results["afterDuplicate"] == 2
    assert results["readOnly"]["code"] == "25006"
    assert (results["syntax"]["code"], results["syntax"]["position"]) == ("42703", "8")
    assert (results["password"]["name"], results["password"]["code"]) == ("NeonDbError", "28P01")
    assert results["tooLarge"]["message"].startswith("Server error (HTTP status 507): ")


def test_neon_websocket_with_its_defaults(run: Script) -> None:
    results = run("neon_websocket.mjs")
    assert results["defaults"] == ["password", True, True]
    assert results["query"] == [{"a": 7}]
    assert results["committed"] == {"samePid": True, "outside": 0}
    assert results["afterCommit"] == 2
    assert results["rolledBack"] == {"samePid": True, "outside": 2}
    assert results["afterRollback"] == 2
    assert results["duplicate"]["code"] == "23505"
    assert results["atOnce"] == list(range(15))
    assert results["large"] == 6_000_000
    assert results["password"]["code"] == "28P01"


def test_vercel_postgres_through_its_nested_configuration(run: Script) -> None:
    results = run("vercel_postgres.mjs")
    assert results["defaults"] == ["password", True]
    assert (results["tagged"], results["query"]) == ([{"a": 7}], [{"a": 8}])
    assert (results["committed"], results["afterCommit"]) == (True, 1)
    assert (results["rolledBack"], results["afterRollback"]) == (True, 1)
    assert results["duplicate"]["code"] == "42601"


def test_drizzle(run: Script) -> None:
    results = run("drizzle.mjs")
    for driver in ("vercel", "serverless"):
        outcome = results[driver]
        before, after = outcome["sessions"]
        assert before == after
        assert (outcome["committed"], outcome["rolledBack"]) == (2, 0)
        assert outcome["thrown"] == "rolled back on purpose"
        assert "jobs_name_key" in outcome["duplicate"]["cause"]
    http = results["http"]
    assert http["results"] == [[{"name": "http a"}], [{"name": "http b"}]]
    assert http["added"] == 2
    assert "jobs_name_key" in json.dumps(http["duplicate"])


def test_upstash_redis_with_its_defaults(run: Script) -> None:
    results = run("upstash_redis.mjs")
    assert results["pushed"] == 5
    assert results["read"] == ["job-1", {"id": 2}, 3, "jöb", "OK"]
    assert results["atOnce"] == [5, 1, None]
    assert results["pipeline"] == ["OK", "x"]
    assert results["multi"] == [2, "job-1"]
    assert (results["script"], results["single"]) == (1, "OK")
    for name in ("wrongType", "wrongTypeAlone", "discarded"):
        assert results[name]["name"] == "UpstashError"
        assert "WRONGTYPE" in results[name]["message"]
    assert "NOPERM" in results["readOnly"]["message"]
    assert "WRONGPASS" in results["badToken"]["message"]
    assert results["deleted"] == 6
