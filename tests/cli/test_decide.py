"""``repro decide``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.cli import main

EXAMPLE = Path(__file__).parents[2] / "reports" / "examples" / "not-atomic"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(EXAMPLE / "run.json", folder)
    shutil.copytree(EXAMPLE / "trace", folder / "trace")
    return folder


def test_the_record_and_its_picture_stand_beside_the_run(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", str(run)]) == 0

    assert capsys.readouterr().out == f"{run / 'decision.md'}\n"
    assert "For the database: `node.drizzle-vercel-pool`" in (run / "decision.md").read_text("utf-8")
    assert (run / "decision.svg").read_text("utf-8").startswith("<svg ")


def test_a_record_that_nobody_edited_is_written_again(run: Path) -> None:
    assert main(["decide", str(run)]) == 0
    first = (run / "decision.md").read_bytes()

    assert main(["decide", str(run)]) == 0
    assert (run / "decision.md").read_bytes() == first
    assert main(["decide", str(run), "--choose", "fix-1"]) == 0
    assert b"`fix-1`, as it was asked for" in (run / "decision.md").read_bytes()


def test_the_ends_of_lines_are_no_edit(run: Path) -> None:
    assert main(["decide", str(run)]) == 0
    record = run / "decision.md"
    record.write_bytes(record.read_bytes().replace(b"\n", b"\r\n"))

    assert main(["decide", str(run)]) == 0


@pytest.mark.parametrize("at", [0, 200, -80, -1])
def test_a_record_with_one_letter_more_stays(at: int, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", str(run)]) == 0
    record = run / "decision.md"
    text = record.read_text("utf-8")
    edited = f"{text[:at]}x{text[at:]}"
    record.write_text(edited, "utf-8")

    assert main(["decide", str(run)]) == 2
    assert "somebody has edited it" in capsys.readouterr().err
    assert record.read_text("utf-8") == edited


def test_a_record_that_is_there_stays(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "decision.md").write_text("mine\n", "utf-8")

    assert main(["decide", str(run)]) == 2
    assert "somebody has edited it" in capsys.readouterr().err
    assert (run / "decision.md").read_text("utf-8") == "mine\n"

    assert main(["decide", str(run), "--force"]) == 0
    assert (run / "decision.md").read_text("utf-8") != "mine\n"


def test_a_file_in_the_place_of_a_folder_is_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").touch()

    assert main(["decide", str(run), "--out", "taken"]) == 2
    assert "taken: cannot be written to" in capsys.readouterr().err


def test_another_folder_is_made(run: Path) -> None:
    assert main(["decide", str(run), "--out", "docs/decisions", "--choose", "node.drizzle-vercel-sql"]) == 0
    assert "speaks against it" in Path("docs/decisions/decision.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "no run 'nowhere'"),
        (
            ["{}", "--choose", "tcp.x"],
            "--choose tcp.x: no probe or fix of that run; there are node.drizzle-vercel-sql",
        ),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_2(
    words: list[str], says: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", *(word.format(run) for word in words)]) == 2

    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert not (run / "decision.md").exists()
