"""A reproduction beside its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.redaction import Names, Redactor
from repro.redaction.redactor import SecretFound
from repro.reproduce import record

MADE = record.Reproduction(
    probe="tcp.asyncpg",
    file="tcp_asyncpg.py",
    install="python -m pip install asyncpg==0.31.0",
    command="python tcp_asyncpg.py",
    settings=["DATABASE_URL"],
    target="the target is the one that the environment names",
    failure_before="a/b",
    failure_after="a/b",
    parts={"statement": [7, 0]},
    kept=["channel_binding"],
    trials=8,
    stopped="",
    wanted=5,
    runs=5,
    failed=5,
    output="opened",
    text="print('opened')\n",
)


def nothing(_data: bytes, _name: str) -> None:
    pass


def test_it_is_read_as_it_was_written_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    assert record.write(tmp_path, MADE, nothing) == tmp_path / "reproductions" / "tcp_asyncpg.py"
    later = replace(MADE, failed=4, text="print('later')\n")
    record.write(tmp_path, later, nothing)

    assert record.read(tmp_path) == [later]
    assert not later.every_time
    assert sorted(each.name for each in (tmp_path / "reproductions").iterdir()) == [
        "tcp_asyncpg.py",
        "tcp_asyncpg.py.json",
    ]


def test_a_secret_stops_it_before_anything_is_written(tmp_path: Path) -> None:
    redactor = Redactor(["correct-horse"])
    with pytest.raises(SecretFound):
        record.write(tmp_path, replace(MADE, output="correct-horse"), redactor.check)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "txrepro/reproduction/1"}'])
def test_what_is_none_is_left_out(content: str, tmp_path: Path) -> None:
    record.write(tmp_path, MADE, nothing)
    (tmp_path / "reproductions" / "other.json").write_text(content)

    assert record.read(tmp_path) == [MADE]


def test_a_run_without_any_has_none(tmp_path: Path) -> None:
    assert record.read(tmp_path) == []


def test_what_was_printed_tells_no_host_and_no_user_and_the_program_stays() -> None:
    redactor = Redactor(["s3cret-s3cret"], names=Names(["db.somebody.corp"], ["meier"]))
    quoted = 'role "meier" with s3cret-s3cret at db.somebody.corp'
    made = replace(MADE, output=quoted, failure_after=f"tcp/unknown_failure: {quoted}", kept=[quoted])
    told = record.redacted(made, redactor.value)
    for part in ("meier", "s3cret-s3cret", "db.somebody.corp"):
        assert part not in str(told.as_json())
    assert (told.text, told.command, told.settings) == (MADE.text, MADE.command, MADE.settings)
