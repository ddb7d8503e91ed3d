"""Stops a command in the middle, and looks at what is left: on the machine, on the target, in its folder."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from repro.document import read_run
from repro.lab.process import Lab
from tests.end_to_end.conftest import Command

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LEAVING_S = 60.0
"""Seconds that a command may take to end once it was asked to: what it made on a target is removed first."""

Process = tuple[int, str]
"""A process's number and the time at which it was started: a number may be used again."""


@dataclass(frozen=True)
class ToStop:
    """A command that is stopped.

    Args:
        words: its arguments, on a target that stays.
        before: the arguments of the command that it builds on.
        module: what is run; `standing_in` needs no registry.
        query: of the database's URL, in the place of its own.
        last: how its last line begins; once that is said a signal may meet an interpreter on its way out.
        codes: its exit codes when it is stopped.
        moments_s: the part of its life that counts, in seconds, where it does not end by itself.
    """

    words: Sequence[str]
    last: str
    before: Sequence[str] = ()
    module: str = "repro"
    query: str | None = None
    codes: Sequence[int] = (130,)
    moments_s: float | None = None

    def on(self, lab: Lab, folder: Path) -> Command:
        """Its command line, with what it builds on done."""
        variables = dict(lab.environment)
        if self.query is not None:
            variables["DATABASE_URL"] = f"{variables['DATABASE_URL'].partition('?')[0]}?{self.query}"
            variables["POSTGRES_URL"] = variables["DATABASE_URL"]
        command = Command(folder, variables, self.module)
        if self.before:
            command(*self.before)
        return command


STANDING_IN = "tests.end_to_end.standing_in"

COMMANDS = {
    "run": ToStop(["run", "--commit"], "repeat "),
    "bench": ToStop(["bench", "--commit", "--only", "tcp.*"], "page "),
    "matrix": ToStop(
        [*("matrix", "--with", "asyncpg=1.0.0,2.0.0,3.0.0", "--only", "tcp.asyncpg"), "--commit"],
        "3 of 3 cells tried",
        module=STANDING_IN,
    ),
    "bisect": ToStop(
        [*("bisect", "redis", "--good", "1.0.0", "--bad", "2.0.0", "--probe", "tcp.asyncpg"), "--commit"],
        "repro: --bad",
        module=STANDING_IN,
    ),
    "minimise": ToStop(
        ["minimise", "one"],
        "checked ",
        before=["run", "--only", "tcp.asyncpg", "--no-experiments", "--out", "one"],
        module=STANDING_IN,
        query="sslmode=require&channel_binding=prefer",
    ),
    "lab up": ToStop(["lab", "up"], "lab     stopped", codes=(0, 130), moments_s=1.5),
    "lab run": ToStop(["lab", "run", "cfg-sa-postgres-scheme"], "repeat "),
}
"""Every command that lasts, on a target that stays."""


@dataclass(frozen=True)
class Stopped:
    """A command that was stopped.

    Args:
        returncode: as `subprocess` has it.
        output: its standard output.
        errors: its standard error.
        processes: of those below it that were seen, the ones that still run.
        files: what is left in its folder for temporary files.
        ended_before: it had ended by itself.
    """

    returncode: int
    output: str
    errors: str
    processes: set[Process]
    files: list[str]
    ended_before: bool


def stopped(command: Command, words: Sequence[str], *, instant_s: float, number: int) -> Stopped:
    """Start a command and send it a signal at an instant of its life.

    Args:
        command: the command line.
        words: its arguments.
        instant_s: seconds from when it takes signals: before that it is Python that starts.
        number: the signal.
    """
    temporary = tempfile.mkdtemp(prefix="i", dir="/tmp")  # a short name: sockets are made in it
    try:
        variables = {**command.variables, "TMPDIR": temporary}
        process = dataclasses.replace(command, variables=variables).start(*words)
        _until_it_takes_signals(process)
        processes = _seen_until(process, instant_s)
        ended_before = process.poll() is not None
        process.send_signal(number)
        output, errors = process.communicate(timeout=LEAVING_S)
        left = _left_of(processes)
        files = sorted(path.name for path in Path(temporary).iterdir())
        return Stopped(process.returncode, output, errors, left, files, ended_before)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def lasts_s(command: Command, to_stop: ToStop) -> float:
    """How long a command takes that nobody stops, in seconds."""
    if to_stop.moments_s is not None:
        return to_stop.moments_s
    began = time.monotonic()
    command(*to_stop.words)
    return time.monotonic() - began


def in_good_order(to_stop: ToStop, found: Stopped, number: int) -> None:
    """Hold a stopped command against what is promised.

    Args:
        to_stop: the command.
        found: what became of it.
        number: the signal that stopped it.
    """
    over = found.ended_before or f"\n{to_stop.last}" in found.errors + found.output
    expected = {0, 1, 2, *to_stop.codes, -number} if over else set(to_stop.codes)
    assert found.returncode in expected, (found.returncode, found.errors)
    assert "Traceback" not in found.errors, found.errors
    assert found.processes == set()
    assert found.files == []


def no_half_written_run(folder: Path, *, empty_is_fine: bool = False) -> None:
    """Every run and every bench in a folder can be read."""
    for run in (folder / "reports").glob("*"):
        if empty_is_fine and not any(run.iterdir()):
            continue
        assert not list(run.glob(".writing-*"))
        if (run / "bench.json").exists():
            json.loads((run / "bench.json").read_text())
        else:
            read_run(run)


def left_on(lab: Lab) -> list[str]:
    """Schemas, connections in a transaction and keys that are left on a target."""
    with psycopg.connect(lab.environment["DATABASE_URL"]) as connection:
        left = schemas(connection)
    authority = lab.environment["SSL_CERT_FILE"]
    with redis.Redis.from_url(lab.environment["UPSTASH_REDIS_URL"], ssl_ca_certs=authority) as client:
        return left + [str(key) for key in client.scan_iter("*txrepro*")]


def schemas(database: psycopg.Connection[Any]) -> list[str]:
    """Schemas of a run on a target."""
    rows = database.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'txrepro')")
    return [str(row[0]) for row in rows]


def _until_it_takes_signals(process: subprocess.Popen[str]) -> None:
    """Until it has a handler for SIGTERM (proc_pid_status(5): SigCgt, a bit for each signal from 1)."""
    status = Path(f"/proc/{process.pid}/status")
    give_up = time.monotonic() + LEAVING_S
    while process.poll() is None and time.monotonic() < give_up:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.005)


def _seen_until(process: subprocess.Popen[str], instant_s: float) -> set[Process]:
    """Every process that was seen below one, up to an instant of its life or its end."""
    seen: set[Process] = set()
    end = time.monotonic() + instant_s
    while time.monotonic() < end and process.poll() is None:
        seen |= set(_descendants(process.pid))
        time.sleep(0.02)
    return seen | set(_descendants(process.pid))


def _left_of(processes: set[Process], within_s: float = 10.0) -> set[Process]:
    """Which of the processes still run after some time."""
    give_up = time.monotonic() + within_s
    while True:
        left = {each for each in processes if each in set(_running(each[0]))}
        if not left or time.monotonic() > give_up:
            return left
        time.sleep(0.02)


def _descendants(pid: int) -> Iterator[Process]:
    tree = _parents()
    below = {pid}
    while more := {child for child, parent in tree.items() if parent in below} - below:
        below |= more
    for each in below - {pid}:
        yield from _running(each)


def _parents() -> dict[int, int]:
    """Every process's parent."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    return found


def _running(pid: int) -> Iterator[Process]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return
    if fields[0] not in "ZX":
        yield pid, fields[19]
