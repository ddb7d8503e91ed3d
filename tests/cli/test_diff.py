"""``repro diff``: which runs, in which form, and the exit codes of diff(1)."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import diff, errors
from repro.cli.parser import Parser
from repro.document import Outcome, RunDocument, write_run
from repro.redaction import Redactor

HERE, THERE = "20260131-235959-aaaaaa", "20260201-000000-bbbbbb"


@pytest.fixture
def runs(
    make_outcome: Callable[..., Outcome],
    make_run: Callable[..., RunDocument],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two runs below ``reports``: one that passed, and the newest one, which did not."""
    monkeypatch.chdir(tmp_path)
    passed = make_run(make_outcome("tcp.psycopg"), make_outcome("ws.neon"))
    refused = make_outcome("ws.neon", refused_at="127.0.0.1:443")
    refused["stages"][0]["failure"] = "connection_refused"
    failed = make_run(make_outcome("tcp.psycopg"), refused, verdict="fail")
    for moment, (name, document) in enumerate(((HERE, passed), (THERE, failed)), start=1_000):
        folder = Path("reports") / name
        write_run(folder, {**document, "run_id": name}, {}, Redactor(()), lambda *_: {})
        os.utime(folder / "run.json", (moment, moment))


def run(*arguments: str) -> int:
    """The command, as the program carries it out."""
    parser: argparse.ArgumentParser = Parser(prog="repro")
    diff.add_arguments(parser)
    parser.set_defaults(execute=diff.execute)
    try:
        parsed = parser.parse_args(arguments)
        code: int = parsed.execute(parsed)
    except errors.UsageError as error:
        return errors.report(error)
    return code


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("a", ["previous", HERE, f"reports/{HERE}", f"reports/{HERE}/run.json"])
def test_runs_that_differ_are_exit_1(a: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(a, "latest") == 1

    shown = capsys.readouterr()
    assert "ws.neon                     pass  |  fail at connect: connection_refused" in shown.out
    assert shown.err == ""
    assert "\x1b" not in shown.out


@pytest.mark.usefixtures("runs")
def test_runs_that_do_not_differ_are_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("latest", THERE) == 0
    assert capsys.readouterr().out.endswith("\nThe runs do not differ.\n")

    assert run("previous", "latest", "--only", "tcp.*") == 1, "the verdicts still differ"


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("form", "begins"), [("markdown", f"- A: `{HERE}"), ("json", '{\n  "schema": "txrepro/diff/1"')]
)
def test_it_has_other_forms(form: str, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("previous", "latest", "--format", form) == 1

    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere", "latest"), "repro: diff: no run 'nowhere': give its folder"),
        (("latest", "postgres://a:b@c/d"), "repro: diff: no run '<url>"),
        (
            ("latest", "previous", "--only", "nope"),
            "repro: --only: no probe of the two runs is called nope; they",
        ),
        (("latest", "previous", "--only", ","), "repro: --only: names no probe"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_2(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2

    shown = capsys.readouterr()
    assert shown.err.startswith(told)
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_without_two_runs_there_is_no_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("previous", "latest") == 2
    assert "fewer than two runs in reports" in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
def test_a_broken_trace_is_told_by_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("reports") / THERE / "run.json"
    document = json.loads(file.read_text("utf-8"))
    document["probes"][0]["events"] = "trace/tcp.psycopg.jsonl"
    file.write_text(json.dumps(document), "utf-8")
    (file.parent / "trace").mkdir()
    (file.parent / "trace" / "tcp.psycopg.jsonl").write_text("{}\n", "utf-8")

    assert run("previous", "latest") == 2
    assert "tcp.psycopg.jsonl, line 1" in capsys.readouterr().err
