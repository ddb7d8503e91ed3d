"""What is read back is what was written; and of what several tried the last counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from repro.cli import main
from repro.environments.pins import Cell, parse
from repro.versions.marks import along
from repro.versions.merge import NotMergeable, merged, read
from repro.versions.render import as_json
from repro.versions.trial import Trial, Verdict

PASS = Verdict("pass", runs=2)
FAIL = Verdict("fail", "tcp/connect/timeout", 1, 1, "slow")


def trial(text: str, **verdicts: Verdict) -> Trial:
    cell = Cell(tuple(parse(text)))
    return Trial(cell, {cell.pins[0].name: "1"}, None if verdicts else "no wheel", verdicts)


def test_a_matrix_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = [trial("npm:pg=8.0.0", x=PASS), trial("pg=2.0.0", x=FAIL, y=PASS), trial("python=3.99")]
    path = tmp_path / "part.json"
    path.write_text(as_json(written, along(written)))
    assert read(path) == written


def test_the_last_that_was_tried_counts() -> None:
    first, second, third = trial("a=1.0.0", x=PASS), trial("a=1.0.0", x=FAIL), trial("a=1.0.0")
    assert merged([[first], [second], [third]]) == [second]


def test_parts_are_joined_in_the_order_of_their_matrix() -> None:
    whole = [replace(trial(f"a={number}.0.0", x=PASS), position=number) for number in range(5)]
    assert merged([whole[1::2], whole[0::2]]) == whole


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "x"}', '{"schema": "txrepro/matrix/1", "cells": [1]}']
)
def test_what_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "part.json"
    path.write_text(text)
    with pytest.raises(NotMergeable):
        read(path)


def test_parts_become_one_table(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for number, found in enumerate((PASS, FAIL)):
        cells = [trial(f"a={number}.0.0", x=found)]
        (tmp_path / f"part-{number}.json").write_text(as_json(cells, {}))
    run = {
        "schema": "txrepro/run/1",
        "run_id": "r1",
        "probes": [{"status": "pass", "name": "x", "error": None}],
    }
    (tmp_path / "run.json").write_text(json.dumps(run))

    assert main(["merge", *sorted(map(str, tmp_path.glob("part-*"))), "--json"]) == 1
    document = json.loads(capsysbinary.readouterr().out)
    assert [each["probes"][0]["mark"] for each in document["cells"]] == [None, "regressed"]

    assert main(["merge", str(tmp_path)]) == 0
    assert b"run=r1" in capsysbinary.readouterr().out
    assert main(["merge", str(tmp_path / "nowhere.json")]) == 2
