"""Annotations of a run on GitHub."""

from __future__ import annotations

import pytest

from repro.report.ci import github
from tests.report.conftest import Run


def test_a_healthy_run_has_none(healthy: Run) -> None:
    assert github.render(healthy.document) == []


def test_each_finding_is_an_error_with_its_probes(origin: Run) -> None:
    told = github.render(origin.document)
    assert len(told) == len(origin.document["findings"]) > 0
    for line, finding in zip(told, origin.document["findings"], strict=True):
        assert line.startswith("::error title=")
        assert ", ".join(finding["probes"]) in line


def test_a_failing_probe_without_a_finding_is_told_too(origin: Run) -> None:
    failing = [each["name"] for each in origin.document["probes"] if each["error"] is not None]
    told = github.render({**origin.document, "findings": []})
    assert [line.partition("::error title=")[2].partition("::")[0] for line in told] == failing


def test_github_shows_ten_and_the_last_of_them_says_that_there_are_more(origin: Run) -> None:
    (finding, *_) = origin.document["findings"]
    told = github.render({**origin.document, "findings": [finding] * 12})
    assert len(told) == github.MOST
    assert "3 more findings" in told[-1]


def test_skipped_probes_are_notices_where_that_is_asked_for(mishaps: Run) -> None:
    skipped = [each for each in mishaps.document["probes"] if each["status"] == "skip"]
    more = github.render(mishaps.document, skipped=True)[len(github.render(mishaps.document)) :]
    assert len(more) == len(skipped) > 0
    for line, each in zip(more, skipped, strict=True):
        assert line == f"::notice title={each['name']} was skipped::{each['reason']}"


def test_the_proof_of_a_finding_is_told(origin: Run) -> None:
    (finding, *_) = origin.document["findings"]
    counts = {"runs": 3, "failed": 3}
    experiment = {"change": "50% less", "baseline": counts, "changed": counts, "command": "repro"}
    proved = {**finding, "experiment": experiment, "title": "x" * 5_000}
    (told,) = github.render({**origin.document, "findings": [proved], "probes": []})  # type: ignore[list-item]
    assert (
        "%0Aproof: unchanged it failed 3 of 3 times, and 3 of 3, then in another way, with 50%25 less" in told
    )
    assert len(told) < 1_000


def test_nothing_tested_is_a_warning(healthy: Run) -> None:
    (told,) = github.render({**healthy.document, "verdict": "inconclusive"})
    assert told.startswith("::warning ")


@pytest.mark.parametrize("text", ["a\n::error::b", "100%0A", "\r\n::set-output name=x::y"])
def test_no_text_can_begin_a_command_of_its_own(text: str) -> None:
    line = github.command("error", text, text)
    assert "\n" not in line
    assert "\r" not in line
    assert line.count("%25") == 2 * text.count("%")
