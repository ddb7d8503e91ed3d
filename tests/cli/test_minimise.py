"""``repro minimise``: what it refuses before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import main
from repro.document import Outcome, RunDocument, write_run
from repro.redaction import Redactor
from repro.reproduce.drivers import DRIVERS

SETTINGS = ("DATABASE_URL", "POSTGRES_URL", "UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL")


@pytest.fixture
def written(
    make_outcome: Callable[..., Outcome],
    make_run: Callable[..., RunDocument],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Path]:
    """Writes a run on a target, in which some probes failed."""
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)

    def write(*failing: str, kind: str = "env") -> Path:
        outcomes = [make_outcome("tcp.psycopg-async")]
        for name in failing:
            outcomes.append(make_outcome(name, refused_at="127.0.0.1:5432"))
            outcomes[-1]["stages"][0]["failure"] = "connection_refused"
        document = make_run(*outcomes, verdict="fail" if failing else "pass")
        document["target"] = {**document["target"], "kind": kind}
        folder = Path("reports") / document["run_id"]
        write_run(folder, document, {}, Redactor(()), lambda *_: {"report.md": "report\n"})
        return folder

    return write


@pytest.mark.parametrize(
    ("failing", "more", "says"),
    [
        ((), (), "no probe of the run 20260131-235959-3f9a2c failed; name another run"),
        (("tcp.psycopg", "tcp.asyncpg"), (), "name one with --probe: tcp.psycopg, tcp.asyncpg"),
        (("tcp.psycopg",), ("--probe", "tcp.psycopg-async"), "did not fail in the run"),
        (
            ("tcp.raw",),
            (),
            f"no driver but txrepro's own, which leaves nothing to show; name one of {', '.join(DRIVERS)}",
        ),
        (("tcp.psycopg",), (), "set DATABASE_URL or name it with --env-file; for the lab, add --target lab"),
        (("tcp.psycopg",), ("--target", "env"), "cfg-url-missing"),
        (("tcp.psycopg",), ("--deadline", "0"), "seconds above zero"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    failing: tuple[str, ...],
    more: tuple[str, ...],
    says: str,
    written: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = written(*failing)

    assert main(["minimise", "latest", *more]) == 2

    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (folder / "reproductions").exists()


def test_a_run_that_is_not_there_is_one_line_and_exit_2(
    written: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["minimise", "20200101-000000-000000"]) == 2
    assert "no run '20200101-000000-000000'" in capsys.readouterr().err
