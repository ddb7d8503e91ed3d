"""A run as the summary of a step of GitHub's."""

from __future__ import annotations

import copy

import pytest

from repro.cli.github import MOST_OF_A_SUMMARY
from repro.report.ci import step_summary
from tests.report.conftest import Run


def test_it_has_the_verdict_the_findings_the_matrix_and_the_commands(origin: Run) -> None:
    shown = step_summary.render(origin.document, origin.events)

    assert shown.startswith("## txrepro: fail\n")
    assert all(finding["title"] in shown for finding in origin.document["findings"])
    assert "| `ws.neon` | **failed** |" in shown
    assert "```sh\n" in shown


def test_a_healthy_run_has_one_too(healthy: Run) -> None:
    assert "**7 passed** of 7 probes on the lab" in step_summary.render(healthy.document, healthy.events)


def test_many_probes_stay_far_below_what_github_takes(origin: Run) -> None:
    many = copy.deepcopy(origin.document)
    many["probes"] += [{**many["probes"][4], "name": f"http.{number:05}"} for number in range(3_000)]

    assert len(step_summary.render(many, origin.events).encode()) < MOST_OF_A_SUMMARY / 4


def test_foreign_text_is_data(mishaps: Run) -> None:
    cmarkgfm = pytest.importorskip("cmarkgfm")
    hostile = copy.deepcopy(mishaps.document)
    evil = "</details><img src=x> @someone `` | \x1b[31m\u202e\r\n# heading [a](http://b)"
    for finding in hostile["findings"]:
        finding |= {"title": evil, "summary": evil, "fix": [evil], "links": [evil]}
    for each in hostile["probes"]:
        each["reason"] = evil

    page = cmarkgfm.github_flavored_markdown_to_html(step_summary.render(hostile, mishaps.events))

    assert "<img" not in page
    assert "<a " not in page
    assert "<h1>" not in page
    assert "\x1b" not in page
