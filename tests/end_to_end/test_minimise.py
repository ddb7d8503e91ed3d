"""`repro minimise` on a real failure, from the run to the program (slow: some seconds).

The environments with the driver alone need a registry; here this interpreter stands in for them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from repro.cli import main
from repro.environments import python
from repro.environments.python import Environment
from repro.lab.process import Lab
from repro.observe.process import SETTINGS

ONLY_ASYNCPG = """\
URL = os.environ["DATABASE_URL"].partition("?")[0] + "?channel_binding=prefer"


async def main() -> None:
    connection = await asyncpg.connect(URL, timeout=5, command_timeout=10)
    print("opened")
    await connection.close()
"""


def test_an_unknown_parameter_is_what_is_left_of_a_run(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def this_one(_pins: object, _needed: Sequence[str], *_more: Any) -> Environment:
        return Environment(Path(sys.executable), {})

    monkeypatch.setattr(python, "provide", this_one)
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    url = lab.environment["DATABASE_URL"].partition("?")[0]
    monkeypatch.setenv("DATABASE_URL", f"{url}?sslmode=require&channel_binding=prefer")

    assert main(["run", "--only", "tcp.asyncpg", "--no-experiments", "--out", "run"]) == 1
    capsys.readouterr()
    assert main(["minimise", "run", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["failure_before"] == told["failure_after"] == "startup-auth/authenticate/sql_error/42704"
    assert (told["kept"], told["runs"], told["failed"]) == (["channel_binding"], 5, 5)
    assert told["output"].endswith('unrecognized configuration parameter "channel_binding"')
    program = Path(told["path"]).read_text()
    assert ONLY_ASYNCPG in program

    # by hand, with the command that was told and a URL without any parameter
    done = subprocess.run(
        [sys.executable, told["path"]],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "UndefinedObjectError" in done.stderr
    password = url.partition("@")[0].rpartition(":")[2]
    assert not [file for file in Path("run").rglob("*.*") if password in file.read_text()]

    assert main(["report", "run"]) == 0
    assert "### `tcp.asyncpg` by its driver alone" in capsys.readouterr().out
