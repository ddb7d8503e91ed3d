"""What GitHub is told: on GitHub, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import github
from repro.document import Finding, Outcome, RunDocument


@pytest.fixture
def failed(
    make_outcome: Callable[..., Outcome],
    make_run: Callable[..., RunDocument],
    make_finding: Callable[..., Finding],
) -> RunDocument:
    """A run with one finding."""
    outcome = make_outcome("ws.neon", refused_at="127.0.0.1:443")
    return make_run(outcome, verdict="fail", findings=[make_finding("ws.neon")])


def test_elsewhere_nothing_is_said(
    failed: RunDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.md"

    github.tell(failed, {}, {"GITHUB_STEP_SUMMARY": str(file)})

    assert not file.exists()
    assert capsys.readouterr() == ("", "")


def test_a_step_gets_annotations_and_its_summary(
    failed: RunDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("# Before\n", "utf-8")

    github.tell(failed, {}, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("::error title=connect%3A connection refused::ws.neon")
    told = file.read_text("utf-8")
    assert told.startswith("# Before\n\n## txrepro: fail\n")
    assert "| `ws.neon` | **failed** |" in told


def test_without_a_file_there_are_annotations_alone(
    failed: RunDocument, capsys: pytest.CaptureFixture[str]
) -> None:
    github.tell(failed, {}, {"GITHUB_ACTIONS": "true"})

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("place", [".", "no/such/folder/file.md", "\0"])
def test_a_summary_that_cannot_be_written_is_said_and_nothing_else_changes(
    place: str, failed: RunDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.tell(failed, {}, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": f"{tmp_path}/{place}"})

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("repro: GITHUB_STEP_SUMMARY cannot be written (")
    assert second.startswith("::error ")


def test_a_full_summary_is_left_as_it_is(
    failed: RunDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.md"
    file.write_bytes(b"x" * (github.MOST_OF_A_SUMMARY - 10))

    github.tell(failed, {}, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})

    assert file.stat().st_size == github.MOST_OF_A_SUMMARY - 10
    assert "no room left" in capsys.readouterr().err
