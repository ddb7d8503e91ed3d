"""A probe that is ended in the middle leaves nothing on a target that stays."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repro.document import Outcome
from repro.lab.process import Lab
from repro.observe.catalog import Entry
from repro.observe.process import ProbeProcess
from repro.observe.removal import removed
from repro.probe.request import Request
from repro.resources import probe_script

PLENTY_S = 60.0

HELD = """\
import dataclasses, runpy, time
from repro.probe import main
PROBE = runpy.run_path({script!r})["PROBE"]

class Held:
    def __init__(self, opened, request):
        self._opened, self._removes = opened, request.remove
        self._answers = 1
    def __getattr__(self, name):
        return getattr(self._opened, name)
    def run(self, work):
        if not self._answers and not (self._removes and {cured}):
            time.sleep(3600)
        self._answers = 0
        return self._opened.run(work)

connect = PROBE.connect
main(dataclasses.replace(PROBE, connect=lambda module, request: Held(connect(module, request), request)))
"""
"""A probe whose driver writes once and answers nothing any more; removing works again, where it is cured."""


def held_entry(folder: Path, script: str, *, cured: bool = True) -> Entry:
    program = folder / "held.py"
    program.write_text(HELD.format(script=str(probe_script(script)), cured=cured))
    return Entry("held", "", ("DATABASE_URL",), command=(sys.executable, str(program)))


def ended_in_the_middle(
    entry: Entry, variables: dict[str, str], run_id: str, at: Callable[[str, dict[str, Any]], bool]
) -> Outcome:
    """Run it until it says a certain line, and end it there as an interruption does."""

    async def main() -> Outcome:
        there = asyncio.Event()
        process = ProbeProcess(entry, run_id, lambda kind, body: there.set() if at(kind, body) else None)
        try:
            await process.start()
            request = Request(run_id, variables, variables, commit=True, origin=time.monotonic())
            asking = asyncio.create_task(process.ask(request, PLENTY_S, PLENTY_S))
            await asyncio.wait_for(there.wait(), PLENTY_S)
            asking.cancel()
            await asyncio.wait({asking})
        finally:
            await process.end()
        return process.collected.interrupted("the test interrupts")

    return asyncio.run(main())


def it_reads_back(kind: str, body: dict[str, Any]) -> bool:
    return kind == "stage" and body["name"] == "read_back"


@pytest.fixture
def database(lab: Lab) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(lab.environment["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def schemas(database: psycopg.Connection[Any], run_id: str) -> list[str]:
    rows = database.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [run_id])
    return [row[0] for row in rows]


def test_the_schema_of_an_ended_probe_is_dropped(
    lab: Lab, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    entry = held_entry(tmp_path, "tcp_psycopg.py")

    outcome = ended_in_the_middle(entry, lab.environment, "ended", it_reads_back)

    assert [stage["name"] for stage in outcome["stages"] if stage["status"] == "pass"][-1] == "commit"
    assert schemas(database, "txrepro_ended") == []
    assert outcome["notes"] == []


def test_what_cannot_be_removed_is_told_with_its_remedy(
    lab: Lab, database: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.observe.removal.LONGEST_S", 1.0)
    entry = held_entry(tmp_path, "tcp_psycopg.py", cured=False)

    outcome = ended_in_the_middle(entry, lab.environment, "kept", it_reads_back)
    (left,) = schemas(database, "txrepro_kept")
    database.execute(f'DROP SCHEMA "{left}" CASCADE')

    (note,) = outcome["notes"]
    assert note.startswith(f"left behind, perhaps: the schema {left}; to remove it: DROP SCHEMA")


def test_the_queue_of_an_ended_probe_is_removed(lab: Lab, tmp_path: Path) -> None:
    entry = held_entry(tmp_path, "push_redis_tcp.py")

    outcome = ended_in_the_middle(entry, lab.environment, "ended", it_reads_back)

    assert [stage["name"] for stage in outcome["stages"] if stage["status"] == "pass"][-1] == "push"
    assert keys(lab, "txrepro:ended:*") == []
    assert outcome["notes"] == []


def keys(lab: Lab, pattern: str) -> list[bytes]:
    import redis  # noqa: PLC0415

    with redis.Redis.from_url(lab.environment["UPSTASH_REDIS_URL"], ssl_cert_reqs="none") as client:
        return list(client.scan_iter(pattern))


def test_a_commit_under_way_is_waited_for(lab: Lab, database: psycopg.Connection[Any]) -> None:
    """The ended process's COMMIT may still be carried out when the removal begins."""
    name = "txrepro_underway_tcp_psycopg"
    url = lab.environment["DATABASE_URL"]
    command = [sys.executable, str(probe_script("tcp_psycopg.py"))]
    request = Request("underway", lab.environment, commit=True)
    said: list[bool] = []
    with psycopg.connect(url) as committing:
        committing.execute(f"CREATE SCHEMA {name}")
        removal = threading.Thread(
            target=lambda: said.append(asyncio.run(removed(command, os.environ, request, PLENTY_S)))
        )
        removal.start()
        until_one_waits(database, committing.info.backend_pid)
        committing.commit()
    removal.join(PLENTY_S)

    assert said == [True]
    assert schemas(database, name) == []


def until_one_waits(database: psycopg.Connection[Any], blocker: int) -> None:
    """Until a backend waits for another one's transaction."""
    give_up = time.monotonic() + PLENTY_S
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    while time.monotonic() < give_up:
        row = database.execute(waiting, [blocker]).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waited")


@pytest.mark.parametrize(
    "program", ["print('nothing')", "import sys; sys.exit(1)", "import time; time.sleep(60)"]
)
def test_a_program_that_does_not_say_so_has_removed_nothing(program: str) -> None:
    command = [sys.executable, "-c", program]

    assert not asyncio.run(removed(command, os.environ, Request("run", {}), 1.0))


def test_temporary_files_of_an_ended_probe_go_with_it(lab: Lab, tmp_path: Path) -> None:
    program = tmp_path / "untidy.py"
    program.write_text(
        "import json, tempfile, time\n"
        "print(json.dumps({'line': 'temporary', 'folder': tempfile.mkdtemp()}), flush=True)\n"
        "time.sleep(3600)\n"
    )
    entry = Entry("untidy", "", (), command=(sys.executable, str(program)))
    folders: list[Path] = []

    def it_says_where(kind: str, body: dict[str, Any]) -> bool:
        folders.append(Path(body["folder"]))
        return folders[0].is_dir()

    ended_in_the_middle(entry, lab.environment, "untidy", it_says_where)

    (folder,) = folders
    assert not folder.exists()
    assert not folder.parent.exists()
