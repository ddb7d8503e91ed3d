"""Each probe is a program of its own: run by hand it reads the environment and speaks the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.lab.process import Lab
from repro.observe.catalog import CATALOG, Entry
from repro.observe.process import SETTINGS
from repro.resources import probe_script

ROOT = Path(__file__).resolve().parents[2]
OF_THE_KIT = [entry for entry in CATALOG if entry.is_python]
"""Those in other languages read a request only."""


def run(entry: Entry, variables: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, str(probe_script(entry.script))],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**inherited, "PYTHONPATH": str(ROOT), **variables},
    )


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("entry", OF_THE_KIT, ids=lambda entry: entry.name)
def test_a_probe_runs_alone(entry: Entry, lab: Lab) -> None:
    done = run(entry, lab.environment)

    assert done.returncode == 0, done.stderr
    lines = lines_of(done)
    assert [line["line"] for line in lines[:2]] == ["hello", "predicted"]
    assert (lines[-1]["line"], lines[-1]["status"]) == ("outcome", "pass")
    assert lines[0]["probe"] == entry.name
    names = [stage["name"] for stage in lines[-1]["stages"]]
    assert sorted(names) == sorted(lines[0]["stages"])


@pytest.mark.parametrize("entry", OF_THE_KIT, ids=lambda entry: entry.name)
def test_without_a_target_it_says_so(entry: Entry) -> None:
    done = run(entry, {})

    assert done.returncode == 3
    assert lines_of(done)[-1]["status"] == "skip"


def test_a_setting_of_no_use_is_one_line() -> None:
    done = run(CATALOG[0], {"DATABASE_URL": "mysql://u:hunter22@db.invalid/x"})

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "hunter22" not in done.stderr


def test_what_is_no_request_is_refused() -> None:
    done = run(CATALOG[0], {}, stdin='{"schema": "other"}')

    assert done.returncode == 2
    assert "txrepro/request/1" in done.stderr
