"""The plot of a work: a row for each driver, with every time, the median, and how sure it is.

Places are in percent of a row's width: the drawing is as wide as the window, and its words keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from repro.bench import told
from repro.bench.document import ProbeRecord, Times
from repro.report.html.markup import Html, element, line
from repro.report.html.scale import Scale

Chosen = Callable[[ProbeRecord], Times | None]
"""Which of a probe's times are drawn."""

Beside = Callable[[ProbeRecord], str]
"""What stands below a row's median, in a few words."""

_MIDDLE = 18.0
_SPREAD = 11.0
"""Pixels that a mark of one time is above or below the middle at most."""

_GOLDEN = 0.618034
"""Multiples of it, without their whole part, fill an interval evenly: few marks cover each other."""

_ROOM = 1.1
"""The axis reaches so far beyond the greatest of the drivers' slow times."""

_MOST_MARKS = 400
_MOST_OF_A_NAME = 80


def render(probes: Sequence[ProbeRecord], chosen: Chosen, what: str, beside: Beside = lambda _: "") -> Html:
    """The rows on one axis, which begins at 0.

    Args:
        probes: in order; one without such times has no row.
        chosen: which times.
        what: they are, in words.
        beside: what stands below a row's median.
    """
    scale = Scale(_reach([times for probe in probes if (times := chosen(probe)) is not None]))
    rows = [
        _row(probe, times, scale, what, beside(probe))
        for probe in probes
        if (times := chosen(probe)) is not None
    ]
    return element("div", _axis(scale), rows, cls="plot-box")


def _reach(every: Sequence[Times]) -> float:
    """Milliseconds that the axis shows: the slow times of all; what lies beyond is counted."""
    slow = [times["p95_ms"] or max(times["samples_ms"]) for times in every]
    return max([0.001, *slow]) * _ROOM


def _axis(scale: Scale) -> Html:
    ticks = list(scale.even_ticks())
    marks = [
        element(
            "i",
            _tick(ms),
            style=f"left:{scale.at(ms).even:.2f}%",
            cls="last" if scale.at(ms).even > 94 else None,
        )
        for ms in ticks
    ]
    return element("div", element("div", marks, cls="ticks"), cls="plot-axis", aria_hidden="true")


def _tick(ms: float) -> str:
    return "0" if ms == 0 else f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"


def _row(probe: ProbeRecord, times: Times, scale: Scale, what: str, beside: str) -> Html:
    driver = " ".join(filter(None, (probe["driver"]["name"], probe["driver"]["version"])))
    return element(
        "div",
        element("div", element("b", line(probe["name"], _MOST_OF_A_NAME)), _small(driver), cls="plot-name"),
        _drawing(times, scale, f"{what} over {probe['name']}: {_in_words(times)}"),
        element("div", element("b", told.median(times)), _small(beside), cls="plot-value"),
        cls="plot-row held" if probe["baseline"] else "plot-row",
    )


def _small(text: str) -> Html:
    return element("span", line(text, _MOST_OF_A_NAME))


def _in_words(times: Times) -> str:
    pieces = [f"median {told.median(times)} of {times['count']}"]
    if times["interval_ms"] is not None:
        low, high = times["interval_ms"]
        pieces.append(f"it lies between {told.milliseconds(low)} and {told.milliseconds(high)}")
    if times["p95_ms"] is not None:
        pieces.append(f"95 of 100 within {told.milliseconds(times['p95_ms'])}")
    return ", ".join(pieces)


def _drawing(times: Times, scale: Scale, label: str) -> Html:
    return element(
        "svg",
        element("title", label),
        (_upright("guide", ms, scale, 36) for ms in scale.even_ticks()),
        _marks(times, scale),
        _span(times, scale),
        None if times["p95_ms"] is None else _upright("slow", times["p95_ms"], scale, 30),
        _upright("median", times["median_ms"], scale, 30),
        _beyond(times, scale),
        role="img",
        aria_label=label,
    )


def _marks(times: Times, scale: Scale) -> Iterator[Html]:
    """A mark for each time; where there are too many for the eye, evenly chosen ones."""
    shown = [each for each in times["samples_ms"] if each <= scale.longest_ms]
    every = max(1, math.ceil(len(shown) / _MOST_MARKS))
    for number, ms in enumerate(shown[::every]):
        above = 2 * math.modf(number * _GOLDEN)[0] - 1
        yield element("circle", cx=_at(ms, scale), cy=f"{_MIDDLE + above * _SPREAD:.1f}", r=3, cls="time")


def _span(times: Times, scale: Scale) -> Html | None:
    if times["interval_ms"] is None:
        return None
    low, high = (_at(each, scale) for each in times["interval_ms"])
    return element("line", x1=low, x2=high, y1=f"{_MIDDLE:g}", y2=f"{_MIDDLE:g}", cls="span")


def _upright(kind: str, ms: float, scale: Scale, height: int) -> Html:
    top = _MIDDLE - height / 2
    place = _at(ms, scale)
    return element("line", x1=place, x2=place, y1=f"{top:g}", y2=f"{top + height:g}", cls=kind)


def _beyond(times: Times, scale: Scale) -> Html | None:
    """How many times lie beyond the axis; they count, and are not drawn."""
    count = sum(each > scale.longest_ms for each in times["samples_ms"])
    return element("text", f"+{count} →", x="100%", y="34", cls="beyond") if count else None


def _at(ms: float, scale: Scale) -> str:
    return f"{scale.at(ms).even:.2f}%"


def key() -> Html:
    """What the marks mean."""
    return element(
        "ul",
        _meaning("one of the times", element("circle", cx=10, cy=8, r=3, cls="time")),
        _meaning("the median", element("line", x1=10, x2=10, y1=1, y2=15, cls="median")),
        _meaning("its 95 % interval", element("line", x1=3, x2=17, y1=8, y2=8, cls="span")),
        _meaning("95 of 100 times are within", element("line", x1=10, x2=10, y1=1, y2=15, cls="slow")),
        cls="plot-key plain",
        aria_hidden="true",
    )


def _meaning(words: str, mark: Html) -> Html:
    return element("li", element("svg", mark), words)
