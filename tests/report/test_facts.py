from __future__ import annotations

from typing import Any

import pytest

from repro.report import facts
from repro.report.failure import Room
from tests.report.conftest import Run


def test_versions_come_first_and_libpq_is_told_as_built_and_as_loaded(origin: Any) -> None:
    lines = facts.environment(origin.document).splitlines()

    assert lines[0].startswith("- txrepro: `0.1.0`, `run 20260131-235959-3f9a2c`")
    assert "- Server, as drivers saw it: `17.10`" in lines
    assert "- libpq built: `17.2`" in lines
    assert "- libpq loaded: `18.0`" in lines
    assert "- OpenSSL: `OpenSSL 3.0.15 3 Sep 2024`" in lines
    assert not any("command" in line for line in lines)


def test_a_fact_that_is_not_known_is_told_by_its_key(healthy: Any) -> None:
    healthy.document["environment"]["a <b> key"] = {"x": [1, {"y": None}], "z": ""}

    assert "- `a <b> key`: `x 1`" in facts.environment(healthy.document).splitlines()


def test_the_commands_repeat_the_run_and_what_failed(origin: Any) -> None:
    text = facts.commands(origin.document)

    assert text.splitlines() == [
        "```sh",
        "# with DATABASE_URL set to the target",
        "repro run --deadline 60                           # the whole run, as it was",
        "repro run --only http.neon,ws.neon --deadline 60  # what failed",
        "repro probe http.neon --deadline 60               # one alone, live",
        "repro probe ws.neon --deadline 60                 # one alone, live",
        "```",
    ]


def test_a_run_of_what_failed_is_told_once_and_on_its_own_target(origin: Any) -> None:
    origin.document["environment"]["command"] = "repro run --only http.neon,ws.neon --env-file 'my .env'"

    lines = facts.commands(origin.document).splitlines()[2:-1]

    assert [line.partition("  #")[0].rstrip() for line in lines] == [
        "repro run --only http.neon,ws.neon --env-file 'my .env'",
        "repro probe http.neon --env-file 'my .env'",
        "repro probe ws.neon --env-file 'my .env'",
    ]


def test_a_passing_run_is_repeated_by_one_command(healthy: Any) -> None:
    del healthy.document["environment"]["command"]

    assert facts.commands(healthy.document) == "```sh\nrepro run  # the whole run, as it was\n```"


def test_the_target_never_shows_more_than_it_holds(origin: Any, healthy: Any) -> None:
    assert facts.target(healthy.document) == "- target: `the lab`"
    assert "[redacted:1a2b3c]" in facts.target(origin.document)


@pytest.mark.parametrize(
    ("effect", "word"), [("commit", "really committed"), ("rollback", "Nothing durable")]
)
def test_the_statements_and_what_became_of_them(healthy: Any, effect: str, word: str) -> None:
    healthy.document["transaction"]["effect"] = effect

    text = facts.transaction(healthy.document, Room(message=100))

    assert "\nBEGIN;\nINSERT INTO public.jobs" in text
    assert word in text


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        ({"a": "1", "b": None, "c": ""}, ["a 1"]),
        (["x", 2], ["x", "2"]),
        (
            {"server": [{"name": "Postgres"}, {"name": "Valkey"}]},
            ["server name Postgres", "server name Valkey"],
        ),
        (None, []),
        (True, ["True"]),
    ],
)
def test_data_in_pieces(value: Any, pieces: list[str]) -> None:
    assert facts.told(value) == pieces


def test_a_fact_without_end_is_cut(healthy: Any) -> None:
    healthy.document["environment"]["drivers"] = {f"driver{index}": "1.0" for index in range(10_000)}

    (line,) = [each for each in facts.environment(healthy.document).splitlines() if "driver0" in each]
    assert len(line) < 2 * facts.ALL.fact
    assert line.endswith("…")


def test_a_probe_alone_has_no_flag_that_only_a_run_has(origin: Run) -> None:
    origin.document["environment"]["command"] = (
        "repro run --node --no-experiments --pcap --deadline 60 --commit"
    )
    alone = [line for line in facts.command_lines(origin.document) if line.startswith("repro probe")]
    assert [line.partition("  #")[0].rstrip() for line in alone] == [
        "repro probe http.neon --deadline 60 --commit",
        "repro probe ws.neon --deadline 60 --commit",
    ]


def test_a_run_of_a_scenario_says_that_something_was_broken_on_purpose(origin: Run) -> None:
    assert facts.scenario(origin.document) == ""
    origin.document["target"]["notes"] = ["the lab, in the scenario ca-commit-ack-lost"]
    assert facts.scenario(origin.document) == "ca-commit-ack-lost"
    assert "- target: `the lab, with a fault`" in facts.target(origin.document)
