"""The list of scenarios, one of them shown, and the table of them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.cli import main
from repro.cli.accuracy import Row, markdown, sentence
from repro.cli.play import Played
from repro.lab.scenarios import BY_NAME
from repro.lab.scenarios.healthy import HEALTHY
from tests.diagnose.test_engine import outcome

NXDOMAIN = BY_NAME["dns-nxdomain"]


def finding(cause: str | None, probes: list[str], proof: str = "untested") -> object:
    return {"cause": cause, "probes": probes, "proof": proof}


def played(*findings: object, scenario: object = NXDOMAIN) -> Played:
    outcomes = [outcome("tcp.raw", failure="dns_nxdomain", operation="resolve")]
    return Played(scenario, outcomes, list(findings), 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("findings", "wrong"),
    [
        ([finding("dns-nxdomain", ["tcp.raw"], "confirmed")], 0),
        ([finding("dns-nxdomain", ["tcp.raw"])], 1),
        ([finding("dns-nxdomain", ["ws.neon"], "confirmed")], 1),
        ([finding("dns-nxdomain", ["tcp.raw"], "confirmed"), finding(None, ["tcp.raw"])], 1),
        ([finding("tcp-refused", ["tcp.raw"], "confirmed")], 1),
        ([finding(None, ["tcp.raw"])], 2),
        ([], 1),
    ],
)
def test_what_is_wrong_is_said(findings: list[object], wrong: int) -> None:
    assert len(played(*findings).wrong()) == wrong


def test_nothing_may_be_claimed_where_nothing_is_wrong() -> None:
    healthy = HEALTHY[0]
    assert played(scenario=healthy).wrong() == []
    assert len(played(finding("tcp-refused", ["tcp.raw"]), scenario=healthy).wrong()) == 1


def test_the_table_counts() -> None:
    right, wrong = played(finding("dns-nxdomain", ["tcp.raw"])), played(finding("tcp-refused", ["tcp.raw"]))
    rows = [
        Row(NXDOMAIN, played=right, wrong=right.wrong()),
        Row(NXDOMAIN, played=wrong, wrong=wrong.wrong()),
        Row(NXDOMAIN, lacks="no such program"),
        Row(HEALTHY[0], played=played(scenario=HEALTHY[0])),
    ]
    said = sentence(rows)
    assert said.startswith(
        "2 scenarios: 1 right, 0 confirmed, 1 wrong, 0 of them confirmed, 0 undiagnosed, 1 skipped"
    )
    assert said.endswith("1 healthy runs, 0 with a finding")
    page = markdown(rows)
    assert "| dns-nxdomain | skipped: no such program | | | | |" in page
    assert "Right 50%" in page


def test_they_are_listed(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["lab", "scenarios", "dns-nx*"]) == 0
    assert capsysbinary.readouterr().out.decode().startswith("dns-nxdomain  ")


def test_they_are_listed_for_programs(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["lab", "scenarios", "--json"]) == 0
    listed = json.loads(capsysbinary.readouterr().out)
    assert {"name", "cause", "title", "probes", "proof", "lacks"} == set(listed[0])
    assert len(listed) == len(BY_NAME)


@pytest.mark.parametrize("arguments", [["scenarios", "nothing-such"], ["run", "dns-nxdomian"]])
def test_a_name_that_is_none(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", *arguments]) == 2
    assert capfd.readouterr().err.startswith("repro: no scenario is called ")


def test_one_is_shown_and_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["lab", "run", "dns-nxdomain", "--json", "--out", str(tmp_path / "run")])
    shown = capfd.readouterr()
    assert code == 0
    assert json.loads(shown.out)["findings"][0]["cause"] == "dns-nxdomain"
    assert shown.err.rstrip().endswith("right   dns-nxdomain is what was to be found")
