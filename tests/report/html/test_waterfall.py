from __future__ import annotations

import re
from typing import Any

import pytest

from repro.report.html import trace, waterfall
from repro.report.html.marks import LANES, lane_of, marks
from repro.report.html.room import Room
from repro.report.html.scale import scale_of
from tests.report.conftest import event
from tests.report.html.reading import Element, Page
from tests.report.html.test_page import long_trace


def traced(run: Any, name: str) -> trace.Trace:
    return next(each for each in trace.read(run.document, run.events, Room()) if each.name == name)


def drawn(run: Any) -> Page:
    return Page(f"<div>{waterfall.render(trace.read(run.document, run.events, Room()), Room())}</div>")


def within(element: Element, name: str) -> bool:
    place: Element | None = element
    while place is not None and place.get("id") != name:
        place = place.parent
    return place is not None


@pytest.mark.parametrize(
    ("line", "lane"),
    [
        ({"op": "dns"}, "lookup"),
        ({"op": "connect"}, "connect"),
        ({"op": "ws.close"}, "connect"),
        ({"op": "tls.client_hello", "sender": "client"}, "TLS"),
        ({"op": "pg.msg", "sender": "client"}, "sent"),
        ({"op": "pg.msg", "sender": "server"}, "received"),
        ({"op": "http.request"}, "sent"),
        ({"op": "http.response"}, "received"),
        ({"op": "note"}, "other"),
        ({"op": "never.heard.of"}, "other"),
    ],
)
def test_each_event_has_its_lane(line: dict[str, Any], lane: str) -> None:
    assert lane_of(line) == lane


def test_every_event_is_in_one_mark_and_there_are_no_more_marks_than_room(origin: Any) -> None:
    origin.events["ws.neon"] = long_trace(3_000)
    one = traced(origin, "ws.neon")

    found = marks(one, scale_of([one.end_ms]), 50)

    together = [line["seq"] for lane in LANES for mark in found[lane] for line in mark.lines]
    assert sorted(together) == list(range(1, 3_001))
    assert 10 < sum(map(len, found.values())) <= 50


def test_what_failed_shares_no_mark_with_what_did_not(origin: Any) -> None:
    good = event(1, "connect") | {"t0": 0.5, "t": 0.5}
    origin.events["ws.neon"] = [good, {**good, "seq": 2, "failure": "eof"}, {**good, "seq": 3}]
    one = traced(origin, "ws.neon")

    found = marks(one, scale_of([one.end_ms]), 1)["connect"]

    assert [[line["seq"] for line in mark.lines] for mark in found] == [[1, 3], [2]]
    assert [mark.failed for mark in found] == [False, True]


def test_failing_and_one_passing_probe_are_unfolded(origin: Any) -> None:
    folds = drawn(origin).all("details", "fall")

    assert [each.get("id") for each in folds if "open" in each.attributes] == [
        "waterfall-http.neon",
        "waterfall-ws.neon",
        "waterfall-tcp.raw",
    ]
    assert len(folds) == 7


def test_a_mark_says_what_whom_when_and_how_it_failed_and_leads_to_its_event(origin: Any) -> None:
    (mark,) = [each for each in drawn(origin).all("a", "failed") if within(each, "waterfall-ws.neon")]

    assert mark.get("aria-label").split("\n") == [
        "connect",
        "127.0.0.1:443",
        "at 20.0 ms, took 1.20 ms",
        "✕ connection_refused ECONNREFUSED",
    ]
    assert mark.get("href") == "#event-ws.neon-2"


def test_a_mark_of_many_events_names_a_few_of_them(origin: Any) -> None:
    lines = [
        event(seq, "pg.msg", sender="server") | {"t0": 0.5, "t": 0.5, "pg.name": f"Message{seq}"}
        for seq in range(1, 9)
    ]
    origin.events["ws.neon"] = lines

    (mark,) = [each for each in drawn(origin).all("a", "mark") if within(each, "waterfall-ws.neon")]

    told = mark.get("aria-label").split("\n")
    assert told[:2] == ["8 events", "← Message1"]
    assert told[6] == "…"
    assert "Message6" not in mark.get("aria-label")


def test_stages_are_bands_and_the_failing_one_is_marked_by_a_sign(origin: Any) -> None:
    bands = [each for each in drawn(origin).all("span", "band") if within(each, "waterfall-ws.neon")]

    assert [each.text for each in bands] == ["resolve", "✕ connect"]
    assert bands[1].get("class") == "band fail"


def test_styles_hold_numbers_of_ours_only(origin: Any) -> None:
    origin.events["ws.neon"][0] |= {"t0": float("nan"), "t": float("inf")}
    origin.events["ws.neon"][1] |= {"t0": "0;}body{display:none", "t": -5}

    for each in drawn(origin).elements:
        style = each.get("style")
        if not style.startswith("--decades:"):
            assert re.fullmatch(r"(?:(?:--[de]w?|left):-?\d+\.\d\d%?;?)*", style), style


def test_a_probe_without_a_trace_says_so(origin: Any) -> None:
    del origin.events["ws.neon"]

    assert "No trace is here." in drawn(origin).at("waterfall-ws.neon").text


def test_lines_that_are_not_listed_are_counted_and_named_by_their_file(origin: Any) -> None:
    origin.events["ws.neon"] = long_trace(3_000)

    text = drawn(origin).at("waterfall-ws.neon").text

    assert "3,000 events in its trace, 2,700 of them only in trace/ws.neon.jsonl" in text
