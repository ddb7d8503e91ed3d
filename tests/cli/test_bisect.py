"""``repro bisect`` refuses what cannot be searched, before anything is started."""

from __future__ import annotations

import shlex

import pytest

from repro.cli import bisecting, main

KNOWN = ["1.0.0", "1.1.0", "2.0.0"]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bisecting, "releases", lambda *_args, **_flags: KNOWN)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--probe tcp.psycopg", "name a PACKAGE, --good V and --bad V"),
        ("psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.nope", "no probe is called"),
        ("psycopg --good 1.0.0 --bad 3.0.0 --probe tcp.psycopg", "psycopg has no version"),
        ("psycopg --good 2.0.0 --bad 1.0.0 --probe tcp.psycopg", "did you mean --find fixed?"),
        ("psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg --find fixed", "did you mean --find broken?"),
        ("psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg --with a=1,2", "takes one version"),
        ("psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg --scenario nope", "see `repro lab scenarios`"),
        ("python --good 3.11 --bad 3.12 --probe tcp.psycopg", "cannot be bisected"),
        ("'psy copg' --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg", "no name of a package"),
    ],
)
def test_one_line_and_the_remedy(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:

    assert main(["bisect", *shlex.split(words)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--probe tcp.raw --target lab", 0),
        ("--probe tcp.raw --target env", 1),
        ("--probe tcp.raw --target env --says 'other words'", 125),
        ("--probe push.redis-tcp --target env", 125),
    ],
)
def test_the_exit_code_is_for_git(words: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d")
    assert main(["bisect", "--check", *shlex.split(words)]) == code
