"""What a version is, judged by its probe and its control; and the block to paste."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from repro.document import Outcome
from repro.versions.bisect import EndIsWrong
from repro.versions.bisection import Bisection, Question, Seen, Step, block, word
from tests.diagnose.test_engine import outcome

PASS = outcome("tcp.x")
BROKEN = outcome("tcp.x", failure="not_atomic", operation="atomicity", message="Failed query: begin")
OTHERWISE = outcome("tcp.x", failure="timeout", operation="insert", message="slow")
SKIPPED: Any = {**PASS, "status": "skip", "reason": "not set"}
CONTROL, NO_CONTROL = outcome("tcp.raw"), outcome("tcp.raw", failure="timeout")
VERSIONS = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"]


def one(found: Outcome, control: Outcome = CONTROL) -> Seen:
    return [{"tcp.x": found, "tcp.raw": control}]


def bisection(history: Mapping[str, Seen | str], **question: Any) -> tuple[Bisection, list[Step]]:
    told: list[Step] = []
    asked = Question("tcp.x", "tcp.raw", **question)
    return Bisection(asked, VERSIONS, lambda version: history[version], told.append), told


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        (one(BROKEN), "new"),
        (one(PASS), "old"),
        (one(OTHERWISE), "unknown"),
        (one(SKIPPED), "unknown"),
        (one(BROKEN, NO_CONTROL), "unknown"),
        (one(PASS, NO_CONTROL), "unknown"),
        ("no wheel for this Python", "unknown"),
        ([*one(PASS), *one(BROKEN)], "new"),
    ],
)
def test_a_version_is_judged(middle: Seen | str, expected: str) -> None:
    history = {**dict.fromkeys(VERSIONS[:2], one(PASS)), **dict.fromkeys(VERSIONS[3:], one(BROKEN))}
    searched, _ = bisection({**history, "1.2.0": middle})
    searched.run()
    assert searched.steps["1.2.0"].answer == expected


def test_the_first_that_is_repaired() -> None:
    history = {**dict.fromkeys(VERSIONS[:3], one(BROKEN)), **dict.fromkeys(VERSIONS[3:], one(PASS))}
    searched, told = bisection(history, finds="fixed")
    found = searched.run()
    assert VERSIONS[found.first_new] == "1.3.0"
    assert {step.version: word(step.answer, "fixed") for step in told}["1.2.0"] == "bad"
    text = block("made", found, searched, "repro bisect made")
    assert text.startswith("**made 1.3.0** is the first version with which `tcp.x` is repaired.")
    assert "- the failure: `transaction/atomicity/not_atomic`" in text


def test_only_what_says_so_is_bad() -> None:
    history = {**dict.fromkeys(VERSIONS[:2], one(OTHERWISE)), **dict.fromkeys(VERSIONS[2:], one(BROKEN))}
    searched, _ = bisection(history, says="Failed query: begin")
    assert VERSIONS[searched.run().first_new] == "1.2.0"


def test_a_good_end_that_fails_is_told() -> None:
    searched, _ = bisection(dict.fromkeys(VERSIONS, one(BROKEN)))
    with pytest.raises(EndIsWrong, match="older"):
        searched.run()


@pytest.mark.parametrize(("finds", "bad", "end"), [("broken", "1.4.0", "newer"), ("fixed", "1.0.0", "older")])
@pytest.mark.parametrize("seen", [one(PASS), one(BROKEN, NO_CONTROL), "no wheel"])
def test_a_bad_end_that_is_none_is_all_that_is_tried(
    seen: Seen | str, finds: str, bad: str, end: str
) -> None:
    searched, told = bisection({**dict.fromkeys(VERSIONS, one(PASS)), bad: seen}, finds=finds)
    with pytest.raises(EndIsWrong, match=end):
        searched.run()
    assert [step.version for step in told] == [bad]


def test_what_is_left_in_doubt_is_told() -> None:
    history: dict[str, Seen | str] = {
        "1.0.0": one(PASS), "1.1.0": "no wheel", "1.2.0": "a | b", "1.3.0": "no", "1.4.0": one(BROKEN)
    }  # fmt: skip
    searched, _ = bisection(history)
    text = block("made", searched.run(), searched, "again")
    assert "between **made 1.0.0** and **1.4.0**; 3 versions between them say nothing" in text
    assert "| 1.2.0 | skip | `a \\| b` |" in text


def test_what_a_driver_said_is_told_only_in_words_that_are_fit() -> None:
    told: list[Step] = []
    history: dict[str, Seen | str] = {
        **dict.fromkeys(VERSIONS[:2], one(PASS)),
        "1.2.0": "no index at pypi.corp",
        **dict.fromkeys(VERSIONS[3:], one(outcome("tcp.x", failure="unknown_failure: at db.corp"))),
    }
    searched = Bisection(
        Question("tcp.x", "tcp.raw"),
        VERSIONS,
        lambda version: history[version],
        told.append,
        lambda text: text.replace(".corp", ".***"),
    )
    text = block("made", searched.run(), searched, "repro bisect made")
    assert ".corp" not in f"{text} {told}"
    assert "db.***" in text
    assert "pypi.***" in text
