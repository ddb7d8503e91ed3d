"""What an experiment came to, told as it is."""

from __future__ import annotations

from typing import Any, cast

import pytest

from repro.document import Finding
from repro.report import proof


def finding(verdict: str, *, before: int = 3, after: int = 3, tried: bool = True) -> Finding:
    experiment = {
        "change": "another port",
        "baseline": {"runs": 3, "failed": before},
        "changed": {"runs": 3, "failed": after},
        "command": "repro run",
    }
    told: dict[str, Any] = {"proof": verdict, "experiment": experiment if tried else None}
    return cast("Finding", told)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (finding("confirmed", after=0), "confirmed"),
        (finding("refuted"), "refuted"),
        (finding("untested", tried=False), "untested"),
        (finding("untested"), "not settled"),
        (finding("untested", before=1, after=0), "not settled"),
    ],
)
def test_what_was_tried_and_shows_neither_is_not_called_untested(found: Finding, word: str) -> None:
    assert proof.word(found) == word


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (finding("confirmed", after=0), "unchanged it failed 3 of 3 times, and 0 of 3 with another port"),
        (finding("refuted"), "unchanged it failed 3 of 3 times, and 3 of 3 with another port"),
        (
            finding("untested"),
            "unchanged it failed 3 of 3 times, and 3 of 3, then in another way, with another port",
        ),
        (finding("untested", before=1), "unchanged it failed 1 of 3 times, and 3 of 3 with another port"),
        (finding("untested", tried=False), ""),
    ],
)
def test_another_failure_with_the_change_is_said(found: Finding, sentence: str) -> None:
    assert proof.sentence(found) == sentence
