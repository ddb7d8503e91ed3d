"""The block of versions to paste."""

from __future__ import annotations

import pytest

import repro
from repro.cli import main, version


def test_the_block_names_everything_that_a_report_must_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])

    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert left.value.code == 0
    assert lines["txrepro"].strip() == repro.__version__
    assert {"Python", "platform", "OpenSSL", "libpq", "lab", *version.DRIVERS} == {*lines} - {"txrepro"}
    assert "built" in lines["libpq"]


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "DRIVERS", ("no-such-driver",))
    monkeypatch.setattr(version, "LAB", ())

    block = version.block()

    assert "no-such-driver  not installed\n" in block
    assert "lab             not installed\n" in block
