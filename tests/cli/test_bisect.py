"""``repro bisect`` refuses what cannot be searched, before anything is started."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from repro.cli import bisecting, main
from repro.versions.bisect import Answer, EndIsWrong
from repro.versions.bisection import Bisection, Step

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


def test_only_the_packages_of_a_trial_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = tmp_path / "calls"
    for name, script in (("node", "echo v20.11.0"), ("npm", f"echo $* >> '{calls}'; exit 1")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d")

    assert main(["bisect", *shlex.split("npm:pg --good 1.0.0 --bad 2.0.0 --probe node.pg --target env")]) == 2
    asked = "install --save-exact --legacy-peer-deps pg@{} --ignore-scripts --no-audit --no-fund"
    assert calls.read_text().splitlines() == [asked.format("2.0.0")]
    assert "--bad 2.0.0: it is not known to be bad: npm cannot install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "says", "remedy"), [("old", None, True), ("unknown", None, False), ("old", "words", False)]
)
def test_a_bad_end_that_passes_is_told_with_what_to_do(
    answer: Answer,
    says: str | None,
    remedy: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ends(self: Bisection) -> None:
        self.steps["2.0.0"] = Step("2.0.0", answer, "pass")
        raise EndIsWrong("the newer end")

    monkeypatch.setattr(Bisection, "run", ends)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d")
    words = "psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg --target env"

    assert main(["bisect", *words.split(), *(["--says", says] if says else [])]) == 2
    assert ("--env-file F" in capsys.readouterr().err) is remedy


def test_a_good_end_that_fails_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(self: Bisection) -> None:
        self.steps["1.0.0"] = Step("1.0.0", "new", "connect/refused")
        raise EndIsWrong("the older end")

    monkeypatch.setattr(Bisection, "run", ends)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d")

    words = "psycopg --good 1.0.0 --bad 2.0.0 --probe tcp.psycopg --target env"
    assert main(["bisect", *words.split()]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert "--good 1.0.0: it is not good: connect/refused; name a version with which the probe passes" in last


def test_without_node_its_drivers_cannot_be_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["bisect", *shlex.split("npm:pg --good 1.0.0 --bad 2.0.0 --probe node.pg")]) == 3
    assert capsys.readouterr().err.startswith("repro: node is not installed")


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
