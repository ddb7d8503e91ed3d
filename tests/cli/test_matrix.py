"""``repro matrix``: what is refused before anything starts, the plan of jobs, and one real matrix."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path
from typing import Any

import pytest

from repro.cli import main, versions
from repro.environments.pins import Cell, parse
from repro.versions.trial import Trial, Verdict

HERE = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, a cache and an environment of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("DATABASE_URL", "POSTGRES_URL", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "pyproject.toml: cannot be read"),
        ("--config nowhere.toml", "nowhere.toml: cannot be read"),
        ("--with psycopg", "--with: 'psycopg' is not NAME=VERSION,VERSION"),
        ("--with psycopg=3 --only tcp.nope", "tcp.nope"),
        ("--with psycopg=3 --shard 3/2", "must be I/N"),
        ("--with psycopg=3 --shard 2/2", "this part is empty"),
        ("--with psycopg=3 --baseline nowhere.json", "nowhere.json cannot be read"),
        ("--with psycopg=3 --scenario nope", "see `repro lab scenarios`"),
        ("--with psycopg=3 --target env", "DATABASE_URL"),
        ("--with psycopg=3 --plan github --jobs 257", "at most 256 jobs"),
    ],
)
def test_one_line_and_the_remedy(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", *shlex.split(words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert said.err.count("\n") == 1


def test_the_plan_of_jobs(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(shlex.split("matrix --with a=1.0.0,2.0.0,3.0.0 --plan github --jobs 2")) == 0
    assert json.loads(capsysbinary.readouterr().out) == {
        "include": [
            {"shard": "1/2", "cells": "a=1.0.0; a=3.0.0"},
            {"shard": "2/2", "cells": "a=2.0.0"},
        ]
    }


@pytest.mark.parametrize(
    ("states", "marks", "compared", "code"),
    [
        (["pass"], [""], False, 0),
        (["pass", "skip"], [""], False, 0),
        (["fail"], [""], False, 1),
        (["flaky"], [""], False, 1),
        (["fail"], [""], True, 0),
        (["pass"], ["fixed"], True, 1),
        (["pass"], ["new"], True, 1),
        (["skip"], [], False, 3),
    ],
)
def test_the_exit_code(states: list[Any], marks: list[Any], compared: bool, code: int) -> None:
    probes = {f"p{number}": Verdict(state, runs=1) for number, state in enumerate(states)}
    trial = Trial(Cell(tuple(parse("a=1.0.0"))), verdicts=probes)
    noted = {("a=1.0.0", f"p{number}"): mark for number, mark in enumerate(marks)}
    assert versions.exit_code([trial], noted, compared=compared) == code


def test_a_secret_stops_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = {
        "schema": "txrepro/matrix/1",
        "cells": [
            {
                "cell": "a=1.0.0",
                "position": 0,
                "pins": [{"ecosystem": "pypi", "name": "a", "wanted": "1.0.0"}],
                "versions": {},
                "skipped": "it said correct-horse-battery",
                "probes": [],
            }
        ],
    }
    (tmp_path / "part.json").write_text(json.dumps(part))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", "correct-horse-battery")
        assert main(["merge", "part.json", "--markdown", "m.md"]) == 3
    assert "correct-horse" not in "".join(capsys.readouterr())
    assert not (tmp_path / "m.md").exists()


def test_a_real_matrix_and_its_baseline(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Slow: it starts the lab twice. The cell is a Python with nothing installed, which needs no network."""
    asked = shlex.split(f"matrix --with python={HERE},3.99 --only tcp.raw")

    assert main([*asked, "--json", "--write-baseline", "b.json", "--junit", "j.xml"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    here, nowhere = document["cells"]
    assert [probe["state"] for probe in here["probes"]] == ["pass"]
    assert "3.99" in nowhere["skipped"]
    assert (tmp_path / "j.xml").read_text().count("<testcase") == 2

    expected = (tmp_path / "b.json").read_text()
    assert expected.count("pass") == 1
    (tmp_path / "b.json").write_text(expected.replace("pass", "fail: tcp/connect/timeout"))
    assert main([*asked, "--baseline", "b.json"]) == 1
    assert b"fixed" in capsysbinary.readouterr().out
