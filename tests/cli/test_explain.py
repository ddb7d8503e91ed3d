"""`repro explain`: every cause in words that fit a terminal."""

from __future__ import annotations

import pytest

from repro.cli import main
from repro.diagnose.causes import CAUSES


def test_all_of_them_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [cause.id for cause in CAUSES]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_one_of_them(cause: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", cause.id]) == 0  # type: ignore[attr-defined]
    told = capsys.readouterr().out
    assert "what to do:" in told
    assert all(len(line) <= 80 or "https://" in line for line in told.splitlines()), told


def test_one_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "sl-localhost-44"]) == 2
    assert "did you mean sl-localhost-443?" in capsys.readouterr().err
