"""A reproduction in the report of its run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.report.failure import Room
from repro.report.fitting import LIMIT
from repro.report.markdown import render
from repro.report.reproduction import MOST_OF_A_PROGRAM
from repro.report.reproduction import render as alone
from repro.resources import issue_template
from tests.reproduce.test_record import MADE


def test_the_program_and_its_commands_stand_below_those_of_the_run(origin: Any) -> None:
    text = render(origin.document, origin.events, issue_template(), [MADE])

    _, _, after = text.partition("## To repeat it")
    assert after.index("repro run") < after.index("### `tcp.asyncpg` by its driver alone")
    assert "failed in the same way **5 of 5** times, each from an empty folder." in after
    assert "```sh\npython -m pip install asyncpg==0.31.0\npython tcp_asyncpg.py\n```" in after
    assert "```python\nprint('opened')\n```" in after
    assert after.index("by its driver alone") < after.index("## Environment")


def test_a_run_without_one_has_the_report_that_it_had(origin: Any) -> None:
    assert "by its driver alone" not in render(origin.document, origin.events, issue_template())
    assert alone([], Room()) == ""


@pytest.mark.parametrize(("runs", "failed"), [(5, 4), (3, 3), (0, 0)])
def test_one_that_does_not_fail_each_time_is_not_reported(runs: int, failed: int) -> None:
    assert alone([replace(MADE, runs=runs, failed=failed)], Room()) == ""


@pytest.mark.parametrize("text", ["`````\n@somebody #1\n", "x" * (MOST_OF_A_PROGRAM + 1)])
def test_a_program_breaks_out_of_nothing_and_a_long_one_is_named(text: str) -> None:
    shown = alone([replace(MADE, text=text)], Room())

    if len(text) > MOST_OF_A_PROGRAM:
        assert "The program is in `reproductions/tcp_asyncpg.py`." in shown
    else:
        assert f"``````python\n{text.strip()}\n``````" in shown


def test_many_of_them_stay_within_the_limit(origin: Any) -> None:
    many = [replace(MADE, text="x = 1\n" * 1000) for _ in range(20)]

    assert len(render(origin.document, origin.events, issue_template(), many)) < LIMIT
