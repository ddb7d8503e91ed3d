"""A stand-alone program in the place of a probe: its words are stages, its error is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.probe.reproduction import PROGRAM
from repro.probe.request import Request
from repro.resources import probe_script

ROOT = Path(__file__).resolve().parents[2]


def outcome(tmp_path: Path, text: str, **told: Any) -> dict[str, Any]:
    """What a program comes to."""
    path = tmp_path / "program.py"
    path.write_text(text)
    named = {"path": str(path), "probe": "tcp.asyncpg", "transport": "tcp", "effect": "commit", **told}
    request = Request("run", {"DATABASE_URL": "postgresql://u:p@h/d"})
    done = subprocess.run(
        [sys.executable, str(probe_script("reproduction.py"))],
        input=request.as_json(),
        env={**os.environ, "PYTHONPATH": str(ROOT), PROGRAM: json.dumps(named)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    *_, last = (json.loads(line) for line in done.stdout.splitlines())
    assert last["line"] == "outcome", done.stderr
    found: dict[str, Any] = last
    return found


STATE = "class Refused(Exception):\n    sqlstate = '42501'\n"
REFUSE = "raise Refused('no')"
DIAL = """\
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    socket.create_connection(listener.getsockname()).close()
"""


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        ((), "connect"),
        (("opened",), "begin"),
        (("opened", "begun"), "insert"),
        (("opened", "begun", "inserted"), "commit"),
        (("opened", "begun", "hello", "inserted", "committed"), "read_back"),
    ],
)
def test_where_it_failed_is_after_the_last_word(
    words: tuple[str, ...], operation: str, tmp_path: Path
) -> None:
    said = "\n".join(f"print({word!r})" for word in words)

    found = outcome(tmp_path, f"{STATE}{DIAL if words else ''}{said}\n{REFUSE}")

    assert found["status"] == "fail"
    assert found["error"]["operation"] == operation
    assert (found["error"]["failure"], found["error"]["sqlstate"]) == ("sql_error", "42501")


def test_a_transaction_that_came_apart_is_said_by_a_name(tmp_path: Path) -> None:
    text = "class NotAtomic(Exception): pass\nraise NotAtomic('2 of 3')"

    error = outcome(tmp_path, text)["error"]

    assert (error["operation"], error["failure"]) == ("atomicity", "not_atomic")


def test_one_that_raises_nothing_passes_and_sees_the_target(tmp_path: Path) -> None:
    text = """\
import os
assert os.environ["DATABASE_URL"] == "postgresql://u:p@h/d"
assert __name__ == "__main__"
"""

    assert outcome(tmp_path, text)["status"] == "pass"


def test_a_transport_that_sends_everything_at_once_is_under_way_from_the_start(tmp_path: Path) -> None:
    error = outcome(tmp_path, f"{DIAL}raise TimeoutError('late')", transport="http", effect="push")["error"]

    assert (error["operation"], error["failure"]) == ("push", "timeout")
