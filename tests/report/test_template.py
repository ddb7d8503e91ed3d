from __future__ import annotations

import re

from repro.report.template import SLOT, SUMMARY, fill
from repro.resources import issue_template


def test_slots_are_filled_and_the_rest_stays() -> None:
    template = (
        "# A\n\n<!-- txrepro:one what a\nperson writes -->\n\nbetween <!-- x -->\n<!-- txrepro:two -->\n"
    )

    filled = fill(template, {"one": "1\n", "two": "2"})

    assert filled == "# A\n\n1\n\nbetween <!-- x -->\n2\n"


def test_a_slot_without_content_goes_and_an_unknown_one_stays() -> None:
    assert fill("<!-- txrepro:one -->\n<!-- txrepro:other -->\n", {"one": ""}) == "<!-- txrepro:other -->\n"


def test_content_that_looks_like_a_slot_is_content() -> None:
    filled = fill(
        "<!-- txrepro:one -->\n<!-- txrepro:two -->\n", {"one": "<!-- txrepro:two -->\\1", "two": "2"}
    )

    assert filled == "<!-- txrepro:two -->\\1\n2\n"


def test_the_form_asks_for_everything_that_the_report_tells() -> None:
    slots = {slot[1]: slot[0] for slot in SLOT.finditer(issue_template())}

    assert list(slots) == [
        "form", "summary", "result", "matrix", "failures", "commands", "target", "environment", "transaction",
    ]  # fmt: skip
    assert all(len(text.split()) > 3 for text in slots.values())


def test_the_mark_of_the_summary_is_no_text_on_github() -> None:
    assert re.fullmatch(r"<!--.*-->", SUMMARY)
