"""The waterfalls: what each probe did on the network, one below the other on one time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import Stage
from repro.report.counting import counted
from repro.report.html import words
from repro.report.html.marks import LANES, Lane, Mark, marks
from repro.report.html.markup import Content, Html, element, join, line, unseen
from repro.report.html.room import Room
from repro.report.html.scale import Place, Scale, scale_of
from repro.report.html.trace import Trace, event_id, fall_id, reached, trace_id
from repro.report.matrix import HEADINGS
from repro.trace.formats import fields

_MOST_NAMED = 5
"""Events of one mark that are named."""

_MOST_LOOKED_AT = 40
"""Events of one mark of which the names are taken."""

_MOST_OF_A_NAME = 90

LEGEND = (
    "Every probe begins at 0, so that what failed and what passed can be held against each other. "
    "The columns behind are the stages, and ✕ marks what failed. "
    "A mark leads to its event in the trace; what happened at one moment is one mark."
)


def render(traces: Sequence[Trace], room: Room) -> Html:
    """The waterfalls of all probes that were run; the ones that are looked at are open."""
    scale = scale_of(trace.end_ms for trace in traces)
    most = room.marks_of(len(traces))
    return join(
        element("p", LEGEND, cls="hint"),
        _controls(),
        element(
            "div",
            _axis(scale),
            (_fall(trace, scale, most) for trace in traces),
            cls="falls",
            style=f"--decades:{_grid(scale, decades=True)};--even:{_grid(scale, decades=False)}",
        ),
    )


def _controls() -> Html:
    """The choice of the scale works by itself; the buttons are shown by the script that they need."""
    scales = element(
        "fieldset",
        element("legend", "Time axis"),
        _choice("decades", "by decades", chosen=True),
        _choice("even", "even", chosen=False),
    )
    shown = element(
        "div",
        _button("looked-at", "Failing, and one to compare"),
        _button("all", "Unfold all"),
        _button("none", "Fold all"),
        role="group",
        aria_label="Waterfalls that are unfolded",
        cls="scripted",
        hidden=True,
    )
    return element("div", scales, shown, cls="controls")


def _choice(value: str, words_of_it: str, *, chosen: bool) -> Html:
    radio = element("input", type="radio", name="scale", id=f"scale-{value}", checked=chosen)
    return element("label", radio, " ", words_of_it)


def _button(shows: str, words_of_it: str) -> Html:
    return element("button", words_of_it, type="button", data_unfold=shows)


def _axis(scale: Scale) -> Html:
    ticks = (
        element("span", _ticks(scale, decades=True), cls="ticks decades"),
        element("span", _ticks(scale, decades=False), cls="ticks even"),
    )
    return element("div", element("span", "time", cls="lane-name"), ticks, cls="axis", aria_hidden="true")


def _moments(scale: Scale, *, decades: bool) -> list[tuple[float, float]]:
    moments = scale.decade_ticks() if decades else scale.even_ticks()
    return [(ms, scale.at(ms).decades if decades else scale.at(ms).even) for ms in moments]


def _ticks(scale: Scale, *, decades: bool) -> Iterator[Html]:
    for ms, place in _moments(scale, decades=decades):
        yield element("i", _tick(ms), style=f"left:{place:.2f}%", cls="last" if place > 94 else None)


def _tick(ms: float) -> str:
    """A moment of the axis with the fewest figures: ``0``, ``0.3 ms``, ``30 ms``, ``1.5 s``."""
    if ms == 0:
        return "0"
    return f"{ms / 1000:.4g} s" if ms >= 1000 else f"{ms:.4g} ms"


def _grid(scale: Scale, *, decades: bool) -> str:
    """The lines of the axis as the stops of a gradient, all of them numbers of ours."""
    stops = []
    for _, place in _moments(scale, decades=decades)[1:]:
        left, right = f"calc({place:.2f}% - .5px)", f"calc({place:.2f}% + .5px)"
        stops.append(f"transparent {left},var(--rule) {left},var(--rule) {right},transparent {right}")
    return f"linear-gradient(to right,transparent 0,{','.join([*stops, 'transparent 100%'])})"


def _fall(trace: Trace, scale: Scale, most: int) -> Html:
    return element(
        "details",
        element("summary", _summary(trace)),
        _plot(trace, scale, most) if trace.lines else element("p", "No trace is here.", cls="hint"),
        element("p", element("a", _amount(trace), href=f"#{trace_id(trace.name)}"), cls="more"),
        id=fall_id(trace.name),
        cls=f"fall {trace.outcome['status']}",
        open=trace.looked_at,
        data_looked_at=trace.looked_at,
    )


def _summary(trace: Trace) -> Iterator[Content]:
    outcome = trace.outcome
    driver = " ".join(filter(None, (outcome["driver"]["name"], outcome["driver"]["version"])))
    yield element("span", words.SIGNS[outcome["status"]], cls=f"sign {outcome['status']}", aria_hidden="true")
    yield element("b", outcome["name"])
    yield element("span", line(words.ended(outcome), 2 * _MOST_OF_A_NAME), cls="how")
    yield element("span", line(driver, _MOST_OF_A_NAME), cls="driver")
    yield element("span", words.milliseconds(trace.end_ms), cls="took")


def _amount(trace: Trace) -> str:
    left_out = trace.whole - len(trace.listed)
    told = f"{counted(trace.whole, 'event')} in its trace"
    where = trace.outcome["events"] or "its trace"
    if trace.whole > len(trace.lines):
        told += f", {len(trace.lines):,} of them drawn"
    return f"{told}, {left_out:,} of them only in {where}" if left_out else told


def _plot(trace: Trace, scale: Scale, most: int) -> Html:
    by_lane = marks(trace, scale, most)
    shown = [lane for lane in LANES if lane != "other" or by_lane[lane]]
    return element(
        "div", _bands(trace, scale), (_lane(trace, lane, by_lane[lane], scale) for lane in shown), cls="plot"
    )


def _bands(trace: Trace, scale: Scale) -> Html:
    bands = [_band(trace, stage, scale) for stage in reached(trace.outcome)]
    return element("div", bands, cls="bands", aria_hidden="true")


def _band(trace: Trace, stage: Stage, scale: Scale) -> Html:
    begin, end = trace.since_ms(stage["t0"]), trace.since_ms(stage["t"])
    name = HEADINGS.get(stage["name"], stage["name"])
    sign = f"{words.SIGNS['fail']} " if stage["status"] == "fail" else ""
    return element(
        "span",
        element("i", sign, name),
        cls=f"band {stage['status']}",
        style=_style(scale.at(begin), scale.at(end)),
        title=f"{name}, {_span(begin, end)}",
    )


def _lane(trace: Trace, lane: Lane, found: Sequence[Mark], scale: Scale) -> Html:
    listed = {fields.whole(each, "seq") for each in trace.listed}
    drawn = [_mark(trace, mark, scale, listed, first=not place) for place, mark in enumerate(found)]
    nothing = None if drawn else unseen("nothing")
    return element(
        "div",
        element("span", lane, cls="lane-name"),
        element("span", drawn, nothing, cls="track", role="group", aria_label=f"{lane} of {trace.name}"),
        cls=f"lane {lane.lower()}",
    )


def _mark(trace: Trace, mark: Mark, scale: Scale, listed: set[int | None], *, first: bool) -> Html:
    """A link to its event, or to the trace where that is not listed; one of each lane takes the Tab key."""
    seq = next((seq for each in mark.lines if (seq := fields.whole(each, "seq")) in listed), None)
    place = trace_id(trace.name) if seq is None else event_id(trace.name, seq)
    return element(
        "a",
        href=f"#{place}",
        cls="mark failed" if mark.failed else "mark",
        style=_style(scale.at(mark.begin_ms), scale.at(mark.end_ms)),
        tabindex=None if first else -1,
        aria_label=_told(mark),
    )


def _told(mark: Mark) -> str:
    """What, with whom, when, and how it failed: a line each."""
    looked_at = mark.lines[:_MOST_LOOKED_AT]
    names = list(dict.fromkeys(words.said(each, _MOST_OF_A_NAME) for each in looked_at))
    peers = list(dict.fromkeys(filter(None, map(words.peer, looked_at))))
    how = list(dict.fromkeys(filter(None, (words.failed(each, _MOST_OF_A_NAME) for each in looked_at))))
    told = [
        counted(len(mark.lines), "event") if len(mark.lines) > 1 else "",
        *names[:_MOST_NAMED],
        "…" if len(names) > _MOST_NAMED or len(mark.lines) > len(looked_at) else "",
        ", ".join(peers[:3]),
        _span(mark.begin_ms, mark.end_ms),
        *(f"{words.SIGNS['fail']} {each}" for each in how[:2]),
    ]
    return "\n".join(filter(None, told))


def _span(begin_ms: float, end_ms: float) -> str:
    at = f"at {words.milliseconds(begin_ms)}"
    return at if end_ms - begin_ms < 0.001 else f"{at}, took {words.milliseconds(end_ms - begin_ms)}"


def _style(begin: Place, end: Place) -> str:
    return (
        f"--d:{begin.decades:.2f};--dw:{end.decades - begin.decades:.2f};"
        f"--e:{begin.even:.2f};--ew:{end.even - begin.even:.2f}"
    )
