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


def test_a_record_that_is_there_stays(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "decision.md").write_text("mine\n", "utf-8")

    assert main(["decide", str(run)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (run / "decision.md").read_text("utf-8") == "mine\n"

    assert main(["decide", str(run), "--force"]) == 0
    assert (run / "decision.md").read_text("utf-8") != "mine\n"


def test_another_folder_is_made(run: Path) -> None:
    assert main(["decide", str(run), "--out", "docs/decisions", "--choose", "node.drizzle-vercel-sql"]) == 0
    assert "speaks against it" in Path("docs/decisions/decision.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "no run 'nowhere'"),
        (
            ["{}", "--choose", "tcp.x"],
            "--choose tcp.x: no probe of that run; its are node.drizzle-vercel-sql",
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
