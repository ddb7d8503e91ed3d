"""``repro report --check``."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from repro.cli import main

READY = "## Summary\n\nBEGIN goes to another connection than COMMIT.\n"


@pytest.fixture
def issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "issue.md"
    file.write_text(READY, "utf-8")
    return file


def test_what_is_ready_is_told_with_its_size(issue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--check", str(issue)]) == 0
    assert capsys.readouterr().err == f"{issue}: ready, {len(READY)} characters\n"


def test_each_problem_is_a_line_with_its_remedy(issue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issue.write_text("## Summary\n\n```\nx\n", "utf-8")
    assert main(["report", "--check", "issue.md"]) == 1
    assert [line.partition("; ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "issue.md:1: nothing is written below “Summary”",
        "issue.md:3: begins a block of code that never ends",
    ]


def test_what_is_only_worth_a_look_fails_nothing(issue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issue.write_text(READY + "\nthanks @somebody\n", "utf-8")
    assert main(["report", "--check", "issue.md"]) == 0
    told = capsys.readouterr().err
    assert "issue.md:5: worth a look: @somebody" in told
    assert "ready" in told


@pytest.mark.parametrize("by", ["environment", "file"])
def test_the_secrets_of_the_target_are_searched_for_and_not_said(
    by: str, issue: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issue.write_text(READY + "\n    corr3ct-h0rse\n", "utf-8")
    url = "postgresql://app:corr3ct-h0rse@db.test/app"
    Path("some.env").write_text(f"DATABASE_URL={url}\n" if by == "file" else "", "utf-8")
    if by == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    assert main(["report", "--check", "issue.md", "--env-file", "some.env"]) == 1
    told = capsys.readouterr().err
    assert "issue.md:5: holds a known secret" in told
    assert "corr3ct" not in told


def test_standard_input_can_be_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(READY.encode())))
    assert main(["report", "--check", "-"]) == 0
    assert capsys.readouterr().err.startswith("standard input: ready")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda file: file.unlink(), "No such file"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "UTF-8"),
        (lambda file: (file.unlink(), file.mkdir()), "directory"),
        (lambda file: file.write_bytes(b"x" * ((4 << 20) + 1)), "MiB"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_2(
    make: object, says: str, issue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(issue)  # type: ignore[operator]
    assert main(["report", "--check", "issue.md"]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_report_of_nothing_is_refused(issue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 2
    assert "name a RUN" in capsys.readouterr().err
