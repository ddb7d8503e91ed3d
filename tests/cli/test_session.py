"""What a run comes to, and the commands that are made of its arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import body, command_line, main, parse, session, target
from repro.cli.errors import CannotTest, UsageError
from repro.document import Finding, Outcome, OutputError, RunDocument
from repro.lab.errors import LabError
from repro.observe.plan import Plan

MakeOutcome = Callable[..., Outcome]
MakeRun = Callable[..., RunDocument]


def finished(document: RunDocument, *, interrupted: bool) -> body.Finished:
    return body.Finished(document, document, interrupted)


@pytest.fixture
def make_document(make_outcome: MakeOutcome, make_run: MakeRun) -> Callable[[list[str], str], RunDocument]:
    """Makes a run of ``probe.0``, ``probe.1``, … with these statuses and this verdict."""

    def make(statuses: list[str], verdict: str) -> RunDocument:
        outcomes = [make_outcome(f"probe.{number}", status=status) for number, status in enumerate(statuses)]
        return make_run(*outcomes, verdict=verdict)

    return make


@pytest.mark.parametrize(
    ("statuses", "verdict", "patterns", "code"),
    [
        (["pass"], "pass", [], 0),
        (["pass", "skip"], "pass", [], 0),
        (["pass", "skip"], "pass", ["probe.0"], 0),
        (["pass", "skip"], "pass", ["probe.*"], 0),
        (["pass", "skip"], "pass", ["probe.1"], 3),
        (["pass", "skip"], "pass", ["probe.*", "probe.1"], 3),
        (["skip", "skip"], "inconclusive", [], 3),
        (["pass", "fail"], "fail", [], 1),
        (["skip", "crash"], "fail", ["probe.0"], 1),
    ],
)
def test_the_exit_code(
    statuses: list[str],
    verdict: str,
    patterns: list[str],
    code: int,
    make_document: Callable[[list[str], str], RunDocument],
) -> None:
    document = make_document(statuses, verdict)

    assert session.exit_code(document, patterns, interrupted=False) == code


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive"])
def test_the_exit_code_of_an_interrupted_run(
    verdict: str, make_document: Callable[[list[str], str], RunDocument]
) -> None:
    assert session.exit_code(make_document(["pass"], verdict), [], interrupted=True) == 130


def test_the_arguments_become_a_plan(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).touch(mode=0o755)
    arguments = parse(["run", "--deadline", "7", "--postgres-bindir", str(tmp_path)])

    plan = session.plan_of(arguments, target.Target("lab"), ["tcp.*"])

    assert (plan.kind, plan.deadline_s, plan.postgres_bindir) == ("lab", 7.0, tmp_path)
    assert {entry.name.partition(".")[0] for entry in plan.entries} == {"tcp"}


def test_a_run_id_sorts_by_time() -> None:
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", session.new_run_id())


@pytest.mark.parametrize(
    ("argv", "only", "command"),
    [
        ("run", [], "repro run"),
        ("run --json --out x --only tcp.raw,ws.neon", [], "repro run --only tcp.raw,ws.neon"),
        ("run --only tcp.* --only ws.neon", [], "repro run --only 'tcp.*' --only ws.neon"),
        ("run --only tcp.*", ["tcp.raw", "tcp.asyncpg"], "repro run --only tcp.raw,tcp.asyncpg"),
        (
            "run --commit --target env --env-file .env --deadline 2.50",
            [],
            "repro run --target env --env-file .env --deadline 2.5 --commit",
        ),
    ],
)
def test_the_command_that_does_it_again(argv: str, only: list[str], command: str) -> None:
    made = command_line.run(parse(argv.split()), only=only)

    assert made == command


class Body:
    """Stands in for what a run consists of."""

    def __init__(self, result: body.Finished | Exception) -> None:
        self.result = result
        self.plan: Plan | None = None

    def __call__(
        self, plan: Plan, _sources: object, folder: Path, *_rest: object, **_more: object
    ) -> body.Finished:
        self.plan = plan
        if isinstance(self.result, Exception):
            raise self.result
        (folder / "run.json").write_text('{"schema": "ä"}\n', "utf-8")
        return self.result


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [
        name for name in os.environ if name.startswith(("UPSTASH_", "NEON_", "POSTGRES_", "DATABASE_"))
    ]:
        monkeypatch.delenv(name)


def test_with_json_the_document_is_alone_on_standard_output(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "carry_out", Body(finished(make_run(make_outcome()), interrupted=False)))

    assert main(["run", "--json", "--out", "out"]) == 0

    shown = capsys.readouterr()
    assert shown.out == '{"schema": "ä"}\n'
    assert "target  the lab (no DATABASE_URL, POSTGRES_URL or UPSTASH_REDIS_* is set)\n" in shown.err
    assert "pass on your target: 1 passed of 1 probe" in shown.err
    assert "\x1b" not in shown.err


def test_without_json_standard_output_is_empty(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    make_finding: Callable[..., Finding],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = make_run(
        make_outcome("ws.neon", refused_at="127.0.0.1:443"),
        verdict="fail",
        findings=[make_finding("ws.neon")],
    )
    monkeypatch.setattr(body, "carry_out", Body(finished(document, interrupted=False)))

    assert main(["run", "--only", "*.neon"]) == 1

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "repeat    repro run --only ws.neon\n" in shown.err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            LabError("no Postgres; install txrepro[lab]"),
            "repro: the lab: no Postgres; install txrepro[lab]\n",
        ),
        (
            OutputError("the run cannot be written to x: full"),
            "repro: the run cannot be written to x: full\n",
        ),
        (OSError(28, "No space left"), "repro: the run cannot be carried out (No space left)\n"),
    ],
)
def test_what_cannot_be_tested_is_exit_3_and_leaves_no_folder(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "carry_out", Body(error))

    assert main(["run"]) == 3

    assert capsys.readouterr().err.endswith(line)
    assert not list(Path.cwd().iterdir())


def test_a_folder_that_holds_a_run_is_left_alone(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "carry_out", Body(finished(make_run(make_outcome()), interrupted=False)))
    assert main(["run", "--out", "out"]) == 0

    assert main(["run", "--out", "out"]) == 2

    assert "--out out: holds run.json of another run" in capsys.readouterr().err


def test_an_interruption_is_exit_130(
    make_outcome: MakeOutcome, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "carry_out", Body(finished(make_run(make_outcome()), interrupted=True)))

    assert main(["run"]) == 130


def test_servers_of_the_lab_are_looked_for_first(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch(mode=0o755)

    with pytest.raises(UsageError, match="initdb is no program"):
        session.check_lab_servers(parse(["run", "--postgres-bindir", str(tmp_path)]))


def test_errors_are_told_apart() -> None:
    assert not issubclass(CannotTest, UsageError)
