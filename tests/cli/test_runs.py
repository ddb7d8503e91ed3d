"""``repro report``: the report of a run that was written before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import main
from repro.document import Outcome, RunDocument, write_run
from repro.redaction import Redactor


@pytest.fixture
def run(
    make_outcome: Callable[..., Outcome],
    make_run: Callable[..., RunDocument],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The folder of a run, below ``reports``."""
    monkeypatch.chdir(tmp_path)
    document = make_run(make_outcome("tcp.psycopg"))
    folder = Path("reports") / document["run_id"]
    write_run(folder, document, {}, Redactor(()), lambda *_: {"report.md": "as it was\n"})
    return folder


@pytest.mark.parametrize("name", ["latest", "20260131-235959-3f9a2c", "{}", "{}/run.json"])
def test_a_run_is_found_by_each_of_its_names(
    name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", name.format(run)]) == 0

    shown = capsys.readouterr()
    assert "`tcp.psycopg`" in shown.out
    assert shown.err == ""


def test_the_document_is_printed_as_it_was_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "latest", "--format", "json"]) == 0

    assert capsys.readouterr().out == (run / "run.json").read_text("utf-8")


def test_a_report_goes_into_a_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--output", "issue.md"]) == 0

    assert "`tcp.psycopg`" in Path("issue.md").read_text("utf-8")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": "other"}', '{"schema": "txrepro/run/1"}', "\ud800"]
)
def test_what_is_no_run_document_is_one_line_and_exit_2(
    content: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "run.json").write_bytes(content.encode("utf-8", "surrogatepass"))

    assert main(["report", "latest"]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("repro: report: ")
    assert shown.err.count("\n") == 1


def test_a_document_that_was_sent_alone_has_a_report(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "sent.json"
    document = json.loads((run / "run.json").read_text("utf-8"))
    document["probes"][0]["events"] = "trace/tcp.psycopg.jsonl"
    alone.write_text(json.dumps(document), "utf-8")

    assert main(["report", str(alone)]) == 0
    assert "`tcp.psycopg`" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "latest", "--output", str(run)]) == 2

    assert "cannot be written (Is a directory)" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "begins"), [("html", "<!doctype html>"), ("junit", "<?xml ")])
def test_a_run_has_other_forms(form: str, begins: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "latest", "--format", form]) == 0

    shown = capsys.readouterr().out
    assert shown.lower().startswith(begins)
    assert "tcp.psycopg" in shown


ORIGIN = Path(__file__).parents[2] / "reports" / "examples" / "not-atomic"


def test_the_cause_chooses_whose_form_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(ORIGIN)]) == 0

    shown = capsys.readouterr()
    assert shown.out.startswith("### Report hasn't been filed before.")
    assert shown.err.startswith("for drizzle-orm\n")


def test_another_upstream_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(ORIGIN), "--for", "asyncpg"]) == 0

    assert "**asyncpg version**" in capsys.readouterr().out


def test_the_run_s_own_report_is_for_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(ORIGIN), "--for", "nobody"]) == 0

    shown = capsys.readouterr()
    assert shown.out.startswith("## Summary")
    assert "drizzle-orm" in shown.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--for", "asyncpgg"], "did you mean asyncpg?"),
        (["--for", "asyncpg", "--format", "html"], "leave --format out"),
    ],
)
def test_a_wrong_upstream_is_one_line_and_exit_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(ORIGIN), *words]) == 2

    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1


def test_what_was_taken_out_is_listed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads((run / "run.json").read_text("utf-8"))
    document["probes"][0]["reason"] = "no [user:0a1b2c] at [host:3d4e5f]"
    (run / "run.json").write_text(json.dumps(document), "utf-8")

    assert main(["report", "latest", "--preview"]) == 0

    told = capsys.readouterr().out
    assert "[user:0a1b2c]" in told
    assert "probes[0].reason" in told


def test_another_driver_s_program_is_no_reproduction_for_an_upstream(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", str(ORIGIN.parent / "commit-answer-lost"), "--for", "asyncpg"]) == 0

    shown = capsys.readouterr().out
    assert "tcp_psycopg.py" not in shown
    assert "`repro lab run ca-commit-ack-lost` puts it in place" in shown


@pytest.mark.parametrize(
    "words", [["latest", "--check", "x.md"], ["latest", "--preview", "--for", "asyncpg"]]
)
def test_what_does_not_go_together_is_refused(
    words: list[str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *words]) == 2
    assert "leave" in capsys.readouterr().err


def test_what_should_happen_says_which_way_works_and_with_what_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", str(ORIGIN)]) == 0

    shown = capsys.readouterr().out
    assert "The same passes over `node.drizzle-vercel-pool`" in shown
    assert "It passes with drizzle(createPool())" in shown
