"""Standard output for programs, and the folder of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli.errors import CannotTest, UsageError
from repro.cli.output import RunFolder, write


def test_standard_output_is_utf8_whatever_the_locale() -> None:
    script = "from repro.cli.output import write; write('größer\\n')"

    shown = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert shown.stdout == "größer\n".encode()


def test_an_answer_that_a_closed_standard_output_loses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)

    with pytest.raises(CannotTest, match="closed"):
        write("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "repro", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 3
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_is_made_and_tried_and_taken_away_if_nothing_came_of_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "b")
    assert folder.path.is_dir()
    assert not list(folder.path.iterdir())

    folder.drop_if_empty()

    assert not (tmp_path / "a").exists()


def test_a_folder_that_was_there_or_was_used_stays(tmp_path: Path) -> None:
    RunFolder(tmp_path).drop_if_empty()
    used = RunFolder(tmp_path / "a")
    (used.path / "run.json").touch()

    used.drop_if_empty()

    assert (tmp_path / "a" / "run.json").exists()


@pytest.mark.parametrize("name", ["run.json", "report.md", "trace"])
def test_a_folder_with_a_run_in_it_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()

    with pytest.raises(UsageError, match=f"holds {name} of another run"):
        RunFolder(tmp_path)


def test_a_file_is_no_folder_and_nothing_is_left_of_the_attempt(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="cannot be written to"):
        RunFolder(tmp_path / "file" / "x")

    assert [each.name for each in tmp_path.iterdir()] == ["file"]
