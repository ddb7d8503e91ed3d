"""A report has a bound, whatever is in the run: of probes, findings, events, facts, and of each text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.report import fitting, html, markdown
from repro.report.failure import Room
from repro.report.fitting import LIMIT, size
from repro.report.html import page
from repro.report.html.room import Room as PageRoom
from repro.resources import issue_template
from tests.report.conftest import Run
from tests.report.sizes import of_size

WORST = {
    "words": "x" * 3_000,
    "backticks": "`" * 3_000,
    "marks": "# " * 1_500,
    "single backticks": "` " * 1_500,
    "invisible": "\u202e" * 3_000,
    "beyond the basic plane": "\U0001f600" * 3_000,
    "bars": "a|" * 1_500,
    "fences": "```\n" * 750,
    "markup": "&<'\"" * 750,
}
"""Texts that grow where they are escaped."""


def smallest() -> Room:
    room = Room()
    while room.probes:
        room = room.less()
    return room


def smallest_page() -> PageRoom:
    room = PageRoom()
    while room != room.less():
        room = room.less()
    return room


@pytest.mark.parametrize("kind", WORST)
def test_with_the_least_room_every_run_fits(kind: str, mishaps: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of the fitting, which is not asked whether its text fits."""
    run = of_size(mishaps, WORST[kind], probes=400, findings=40, events=0, items=40)
    monkeypatch.setattr(fitting, "Room", smallest)
    monkeypatch.setattr(page, "Room", smallest_page)
    text = markdown.render(run.document, run.events, issue_template())
    assert size(text) < LIMIT
    assert "`run.json`" in text
    assert len(html.render(run.document, run.events).encode("utf-8", "backslashreplace")) < page.LIMIT


SIZES = {
    "probes": st.integers(1, 60),
    "findings": st.integers(0, 12),
    "events": st.integers(0, 40),
    "items": st.integers(1, 30),
}


@given(
    piece=st.one_of(st.sampled_from([each[:4] for each in WORST.values()]), st.text(min_size=1, max_size=6)),
    length=st.integers(0, 1_500),
    **SIZES,
)
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_of_any_size_fits(mishaps: Run, piece: str, length: int, **sizes: int) -> None:
    run = of_size(mishaps, (piece * length)[:length], **sizes)
    assert size(markdown.render(run.document, run.events, issue_template())) < LIMIT
    assert len(html.render(run.document, run.events).encode("utf-8", "backslashreplace")) < page.LIMIT


def test_what_is_shortened_last_is_what_a_maintainer_asks_first(mishaps: Run) -> None:
    """Many probes with long logs and traces cost the report these, and neither a version nor a finding."""
    run = of_size(mishaps, "words of a server " * 20, probes=60, findings=2, events=40, items=10)
    run.document["environment"] = {"python": {"version": "3.13.1"}, "openssl": "OpenSSL 3.0.15"}
    text = markdown.render(run.document, run.events, issue_template())
    assert "- Python: `version 3.13.1`" in text
    assert "- OpenSSL: `OpenSSL 3.0.15`" in text
    assert "2. " in text
    assert size(text) > LIMIT // 3
