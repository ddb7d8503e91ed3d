"""One probe as a child process: whatever it does, there is an outcome, and nothing of it is left."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from repro.document import Outcome
from repro.observe import removal
from repro.observe.catalog import Entry
from repro.observe.process import (
    GLUTTONY,
    LOG_WIDTH,
    MAX_LINE,
    ProbeProcess,
    child_environment,
    how_it_ended,
    own_folder,
)
from repro.probe.request import Request

ENTRY = Entry("test.probe", "probe.py", ("DATABASE_URL",))
PLENTY_S = 30.0

HEAD = """\
import json, os, sys, time
def say(**line): print(json.dumps(line), flush=True)
request = json.loads(sys.stdin.read())
say(line="hello", probe="test.probe", driver={"name": "none", "version": "1"}, transport="tcp",
    versions={}, stages=["connect", "begin", "insert", "commit"], pid=os.getpid())
"""
COMMITTING = """\
say(line="stage", name="begin", status="pass", t0=0.1, t=0.2, failure=None, detail={})
say(line="stage", name="commit", status="running", t0=0.2, t=0.2, failure=None, detail={})
"""


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(body: str) -> Path:
        path = tmp_path / "probe.py"
        path.write_text(HEAD + textwrap.dedent(body))
        return path

    return write


def run(script: Path, *, deadline_s: float = PLENTY_S) -> tuple[Outcome, list[tuple[str, dict[str, Any]]]]:
    command = (sys.executable, str(script))
    return run_entry(dataclasses.replace(ENTRY, script="", command=command), deadline_s=deadline_s)


def run_entry(
    entry: Entry, *, deadline_s: float = PLENTY_S
) -> tuple[Outcome, list[tuple[str, dict[str, Any]]]]:
    lines: list[tuple[str, dict[str, Any]]] = []

    async def main() -> Outcome:
        process = ProbeProcess(entry, "run", lambda kind, body: lines.append((kind, body)))
        try:
            await process.start()
            return await process.ask(Request("run", {}, origin=time.monotonic()), deadline_s, PLENTY_S)
        finally:
            await process.end()

    return asyncio.run(main()), lines


def test_the_outcome_is_what_the_probe_says(script: Any) -> None:
    outcome, lines = run(script('say(line="outcome", status="pass", duration_ms=1.5)'))

    assert (outcome["name"], outcome["status"], outcome["duration_ms"]) == ("test.probe", "pass", 1.5)
    assert outcome["events"] == "trace/test.probe.jsonl"
    assert [kind for kind, _ in lines] == ["hello", "outcome"]


def test_what_is_no_line_of_the_protocol_is_passed_over(script: Any) -> None:
    outcome, _ = run(script('print("garbage"); print("[1]"); say(line="outcome", status="pass")'))

    assert outcome["status"] == "pass"


def test_a_driver_that_takes_too_much_memory_is_ended_and_that_is_said(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.observe.memory.MOST_BYTES", 100 << 20)

    outcome, _ = run(script(f"{COMMITTING}held = b'x' * (200 << 20); time.sleep({PLENTY_S})"))

    assert outcome["status"] == "crash"
    assert outcome["error"] is not None
    assert outcome["error"]["failure"] == f"unknown_failure: {GLUTTONY}"
    assert (outcome["error"]["operation"], outcome["applied"]) == ("commit", "unknown")


def test_a_long_line_on_standard_error_is_kept_in_part(script: Any) -> None:
    outcome, _ = run(script("sys.stderr.write('x' * 1_000_000)"))

    assert [len(line) for line in outcome["log"]] == [LOG_WIDTH]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('"stage", name="connect", status="pass"', "stage: /: lacks a required key: t0, t, failure, detail"),
        ('"stage", name="x", status="pass", t0=0, t=1, failure=None, detail={}', "stage: /name: is no word"),
        ('"event", op="connect"', "trace line: /: lacks a required key: seq"),
        ('"hello", driver="pgx"', "hello: /driver: must be of type object"),
        ('"hello", stages=["teleport"]', "hello: stages: /0: is no word"),
        ('"predicted", predicted=["localhost"]', "predicted: /predicted/0: must be of type object"),
        ('"error", failure="timeout"', "error: /: lacks a required key: operation"),
        ('"outcome", status="ok"', "outcome: /status: is no word"),
        ('"outcome", status="fail"', "outcome: /error: must be of type object"),
    ],
)
def test_a_line_of_another_shape_is_a_crash_that_says_so(script: Any, line: str, complaint: str) -> None:
    outcome, _ = run(script(f"say(line={line})"))

    assert outcome["status"] == "crash"
    assert outcome["error"] is not None
    said = outcome["error"]["message"]
    assert said.startswith(f"said a line that is not of the probe protocol: {complaint}")


def test_what_the_outcome_leaves_out_is_what_was_told_before(script: Any) -> None:
    body = """
        say(line="predicted", predicted=[{"url": "tcp://h:1", "host": "h", "port": 1, "protocol": "tcp"}])
        say(line="stage", name="connect", status="pass", t0=0.1, t=0.2, failure=None, detail={})
        say(line="outcome", status="pass", name="somebody.else")
    """
    outcome, _ = run(script(body))

    assert (outcome["name"], outcome["driver"]["name"], outcome["predicted"][0]["port"]) == (
        "test.probe",
        "none",
        1,
    )
    assert [stage["name"] for stage in outcome["stages"]] == ["connect"]


def test_a_script_that_is_not_python_is_a_program_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "probe.sh"
    program.write_text('#!/bin/sh\ncat > /dev/null\necho \'{"line": "outcome", "status": "pass"}\'\n')
    program.chmod(0o755)
    monkeypatch.setattr("repro.observe.process.probe_script", lambda name: tmp_path / name)

    outcome, _ = run_entry(dataclasses.replace(ENTRY, script="probe.sh"))

    assert outcome["status"] == "pass"


def test_a_crash_is_a_result(script: Any) -> None:
    outcome, _ = run(script(COMMITTING + 'print("its last words", file=sys.stderr, flush=True); os.abort()'))

    assert outcome["status"] == "crash"
    assert outcome["reason"] == "the process was ended by SIGABRT"
    assert outcome["error"] is not None
    assert (outcome["error"]["failure"], outcome["error"]["operation"]) == ("driver_crash", "commit")
    assert outcome["applied"] == "unknown"
    assert outcome["log"] == ["its last words"]


def test_an_exit_without_outcome_is_a_crash(script: Any) -> None:
    outcome, _ = run(script("sys.exit(7)"))

    assert (outcome["status"], outcome["applied"]) == ("crash", "no")
    assert "exit code 7" in str(outcome["reason"])


def test_at_the_deadline_it_is_ended_and_what_it_said_is_kept(script: Any) -> None:
    outcome, lines = run(script(COMMITTING + "time.sleep(600)"), deadline_s=3.0)

    assert outcome["status"] == "timeout"
    assert outcome["error"] is not None
    assert (outcome["error"]["failure"], outcome["error"]["operation"]) == ("timeout", "commit")
    assert [(stage["name"], stage["status"]) for stage in outcome["stages"]][-1] == ("commit", "fail")
    with pytest.raises(ProcessLookupError):
        os.kill(lines[0][1]["pid"], 0)


def test_what_may_be_left_behind_is_said(script: Any) -> None:
    making = 'say(line="makes", what="the schema x; to remove it: DROP SCHEMA x")\n'
    outcome, _ = run(script(making + COMMITTING + "os.abort()"))

    assert outcome["notes"] == ["left behind, perhaps: the schema x; to remove it: DROP SCHEMA x"]


def test_an_error_that_was_told_outlives_a_cleaning_up_that_hangs(script: Any) -> None:
    telling = """\
say(line="error", failure="eof", operation="commit", type="Error", message="lost", sqlstate=None, errno=None,
    address=None, chain=[])
say(line="stage", name="cleanup", status="running", t0=0.3, t=0.3, failure=None, detail={})
time.sleep(600)
"""
    outcome, _ = run(script(COMMITTING + telling), deadline_s=3.0)

    assert outcome["status"] == "fail"
    assert outcome["error"] is not None
    assert (outcome["error"]["failure"], outcome["error"]["operation"]) == ("eof", "commit")
    assert outcome["applied"] == "unknown"


def test_what_it_started_is_ended_with_it(script: Any) -> None:
    body = """
    child = os.fork()
    if child == 0:
        time.sleep(600)
    say(line="stage", name="connect", status="running", t0=0, t=0, failure=None, detail={"pid": child})
    say(line="outcome", status="pass")
    """
    outcome, lines = run(script(body))

    assert outcome["status"] == "pass"
    child = next(body["detail"]["pid"] for kind, body in lines if kind == "stage")
    assert not is_running(child)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_a_line_without_end_is_a_crash(script: Any) -> None:
    outcome, _ = run(script(f'print("x" * ({MAX_LINE} + 10), flush=True); time.sleep(600)'))

    assert outcome["status"] == "crash"
    assert str(MAX_LINE) in str(outcome["reason"])


def test_the_targets_settings_are_not_inherited_and_causes_are() -> None:
    environ = {"DATABASE_URL": "secret", "UPSTASH_REDIS_REST_TOKEN": "secret", "PGSSLMODE": "require"}

    inherited = child_environment(environ, "run-1")

    assert "secret" not in inherited.values()
    assert inherited["PGSSLMODE"] == "require"
    assert inherited["TXREPRO_RUN"] == "run-1"


def test_the_end_of_a_process_in_words() -> None:
    assert how_it_ended(-11) == "the process was ended by SIGSEGV"
    assert how_it_ended(-200) == "the process was ended by signal 200"


def test_a_removal_that_hangs_does_not_make_a_timeout_of_a_crash(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.observe.removal.SHORTEST_S", 2.0)
    body = """
    if request["remove"]:
        time.sleep(600)
    say(line="makes", what="the schema x", removable=True)
    time.sleep(0.5)
    sys.exit(7)
    """

    outcome, _ = run(script(body), deadline_s=1.5)

    assert (outcome["status"], outcome["notes"]) == ("crash", ["left behind, perhaps: the schema x"])
    assert "exit code 7" in str(outcome["reason"])


@pytest.mark.parametrize("length", [10, 49, 76, 200])
def test_the_path_of_a_socket_fits_into_a_folder_of_its_own(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="x" * length, dir="/tmp") as usual:
        monkeypatch.setattr(tempfile, "tempdir", usual)
        with own_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
            inner = tempfile.mkdtemp(prefix="tunnel-", dir=folder)
            listener.bind(f"{inner}/.s.PGSQL.5432")


@pytest.mark.parametrize(
    ("left_s", "reserved", "within_s"),
    [(10.0, False, 3.0), (1.0, False, 1.0), (-5.0, False, 0.5), (-5.0, True, 3.0)],
)
def test_how_long_a_removal_may_take(left_s: float, reserved: bool, within_s: float) -> None:
    assert removal.within_s(left_s, reserved=reserved) == within_s
