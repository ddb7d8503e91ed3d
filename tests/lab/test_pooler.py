"""A real PgBouncer: how it pools, how it ends, and that the probes are well behind it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from repro.diagnose.investigation import investigate
from repro.lab.errors import LabError
from repro.lab.pooler import Pooling, _quoted, lacks_pooler, pooler, version_of
from repro.lab.process import Lab
from repro.lab.scenarios.targets import url
from repro.observe.catalog import matching
from repro.observe.plan import Plan
from repro.observe.progress import Silent

needs_pgbouncer = pytest.mark.skipif(lacks_pooler() is not None, reason=str(lacks_pooler()))


@contextmanager
def connected(text: str) -> Iterator[psycopg.Connection]:
    with closing(psycopg.connect(text, autocommit=True, prepare_threshold=None, connect_timeout=5)) as one:
        yield one


@needs_pgbouncer
@pytest.mark.parametrize("auth_type", ["scram-sha-256", "plain"])
def test_clients_share_one_server_connection(lab: Lab, auth_type: str) -> None:
    direct = lab.environment["DATABASE_URL"]
    pooling = Pooling(default_pool_size=1, auth_type=auth_type)  # type: ignore[arg-type]
    with pooler(direct, pooling) as running:
        through = url(direct, host="127.0.0.1", port=running.port)
        with connected(through) as one, connected(through) as other:
            pids = [each.execute("SELECT pg_backend_pid()").fetchall()[0][0] for each in (one, other)]
            assert pids[0] == pids[1]
            assert one.info.backend_pid not in pids


class Over(Exception):  # noqa: N818 - no error: the test ends its block
    pass


def leave(failing: bool) -> None:
    if failing:
        raise Over


@needs_pgbouncer
@pytest.mark.parametrize("failing", [False, True])
def test_nothing_of_it_stays(
    lab: Lab,
    eventually: Callable[[Callable[[], bool]], bool],
    is_running: Callable[[int], bool],
    failing: bool,
) -> None:
    direct = lab.environment["DATABASE_URL"]
    with suppress(Over), pooler(direct) as running:
        folder = running.log.parent
        assert (folder / "pgbouncer.ini").stat().st_mode & 0o077 == 0
        assert (folder / "users").stat().st_mode & 0o077 == 0
        client = psycopg.connect(url(direct, host="127.0.0.1", port=running.port))
        client.execute("SELECT 1")  # an open transaction does not keep it
        leave(failing)
    client.close()
    assert not folder.exists()
    assert eventually(lambda: not is_running(running.pid))


KILLED = """\
import os, signal, sys
from repro.lab.pooler import pooler
with pooler(sys.stdin.readline().strip()) as running:
    print(running.pid, running.log.parent, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_pgbouncer
def test_it_ends_with_a_process_that_is_killed(
    lab: Lab, eventually: Callable[[Callable[[], bool]], bool], is_running: Callable[[int], bool]
) -> None:
    said = subprocess.run(
        [sys.executable, "-c", KILLED],
        input=lab.environment["DATABASE_URL"] + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout
    pid, _, folder = said.strip().partition(" ")
    assert eventually(lambda: not is_running(int(pid)) and not Path(folder).exists())


@needs_pgbouncer
def test_a_setting_that_it_does_not_take_is_told(lab: Lab) -> None:
    wrong = Pooling(pool_mode="none at all")  # type: ignore[arg-type]
    with pytest.raises(LabError, match="does not start"), pooler(lab.environment["DATABASE_URL"], wrong):
        pass


@needs_pgbouncer
@pytest.mark.parametrize("commit", [False, True])
def test_the_probes_are_well_behind_a_pooler_in_transaction_mode(lab: Lab, commit: bool) -> None:
    direct = lab.environment["DATABASE_URL"]
    with pooler(direct, Pooling(default_pool_size=8)) as running:
        through = url(direct, host="127.0.0.1", port=running.port)
        plan = Plan(
            run_id=f"pooled{int(commit)}",
            kind="env",
            variables={"DATABASE_URL": through},
            entries=matching(["tcp.*", "orm.*"]),
            commit=commit,
        )
        found = investigate(plan, Silent(), experiments=True)
    assert [(each["name"], each["status"]) for each in found.seen.outcomes] == [
        (entry.name, "pass") for entry in plan.entries
    ]
    assert found.findings == []


def test_settings_of_a_version() -> None:
    pooling = Pooling(max_prepared_statements=50, ignore_startup_parameters=("options", "jit"))
    assert "max_prepared_statements" not in pooling.settings((1, 18))
    assert pooling.settings((1, 21))["max_prepared_statements"] == "50"
    assert pooling.settings((1, 24))["ignore_startup_parameters"] == "options,jit"
    assert Pooling().settings((1, 24))["max_prepared_statements"] == "0"
    assert "query_wait_timeout" not in Pooling().settings((1, 24))


def test_a_version_that_is_not_said() -> None:
    assert version_of(Path("/bin/true")) == (0, 0)
    assert version_of(Path("/nowhere/pgbouncer")) == (0, 0)


def test_users_are_quoted_as_the_pooler_reads_them() -> None:
    assert _quoted('a%22b"c') == '"a""b""c"'
    assert _quoted(None) == '""'
