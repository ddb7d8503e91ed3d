"""The ways of a run as a picture: SVG that needs no script, no font and no network, in light and in dark."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from repro.report.deciding.flow import Way, behind, role_at
from repro.report.escape import clean

ROW = 56
"""Pixels from one probe to the next."""

_BOX = 40
_LEFT, _RIGHT, _BEHIND = 24, 560, 840
"""Where the columns begin: drivers, what they dialled, the servers behind that."""

_LEFT_WIDTH, _RIGHT_WIDTH, _BEHIND_WIDTH = 248, 216, 176
_TOP = 72
_MARGIN = 24
_OF_A_CHARACTER = 6.2
"""Pixels of a character of a small text, about: its line stays straight below it."""

_LONGEST_LEAD = 210

_STYLE = """
svg { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; }
.paper { fill: #f7f8fa; } .box { fill: #ffffff; stroke: #c8ccd2; } text { fill: #1b1f24; }
.quiet { fill: #57606a; font-size: 11px; } .head { font-size: 15px; font-weight: 600; }
.behind { stroke: #8c959f; }
.passed { stroke: #1a7f37; } .failed { stroke: #b42318; stroke-dasharray: 5 4; }
.says { font-size: 11px; paint-order: stroke; stroke: #f7f8fa; stroke-width: 5px; stroke-linejoin: round; }
.way { fill: none; stroke-width: 2px; } .good { fill: #1a7f37; } .bad { fill: #b42318; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0f1318; } .box { fill: #171c23; stroke: #3a424d; } text { fill: #e6e9ed; }
  .quiet { fill: #9aa4b0; } .says { stroke: #0f1318; }
  .behind { stroke: #6e7781; }
  .passed { stroke: #4ac26b; } .failed { stroke: #ff7b72; } .good { fill: #4ac26b; } .bad { fill: #ff7b72; }
}
""".strip()


def render(ways: Sequence[Way], title: str) -> str:
    """The picture.

    Args:
        ways: of the probes, from above to below.
        title: what it shows, for the head and for whoever hears it.
    """
    places = _places(ways)
    servers = {place: server for place in places if (server := behind(place, ways))}
    width = (_BEHIND + _BEHIND_WIDTH if servers else _RIGHT + _RIGHT_WIDTH) + _MARGIN
    height = _TOP + ROW * max(len(ways), 1) + 16
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    heads = {_LEFT: "driver", _RIGHT: "what it dialled"} | ({_BEHIND: "behind it"} if servers else {})
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title told">',
            f'<title id="title">{_text(title)}</title>',
            f'<desc id="told">{_text(_told(ways))}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            f'<text class="head" x="{_LEFT}" y="36">{_text(title)}</text>',
            *(f'<text class="quiet" x="{left}" y="58">{head}</text>' for left, head in heads.items()),
            *(_path(number, way, places[way.place]) for number, way in enumerate(ways)),
            *(_says(number, way) for number, way in enumerate(ways)),
            *(line for number, way in enumerate(ways) for line in _driver(number, way)),
            *(line for place, middle in places.items() for line in _place(place, middle, ways)),
            *(line for place, server in servers.items() for line in _server(server, places[place])),
            "</svg>",
            "",
        ]
    )


def _told(ways: Sequence[Way]) -> str:
    return "; ".join(
        f"{each.probe} to {each.place}{f' and {each.behind} behind it' if each.behind else ''}: {each.says}"
        for each in ways
    )


def _middle(number: int) -> float:
    return _TOP + ROW * number + ROW / 2


def _places(ways: Sequence[Way]) -> dict[str, float]:
    """The middle of each place: that of its drivers, and a row from the next."""
    wanted = {
        place: sum(rows) / len(rows)
        for place in dict.fromkeys(way.place for way in ways)
        if (rows := [_middle(number) for number, way in enumerate(ways) if way.place == place])
    }
    found: dict[str, float] = {}
    lowest = _middle(0) - ROW
    for place in sorted(wanted, key=wanted.__getitem__):
        lowest = found[place] = max(wanted[place], lowest + ROW)
    over = max(0.0, lowest - _middle(max(len(ways) - 1, 0)))
    return {place: middle - over for place, middle in found.items()}


def _path(number: int, way: Way, end: float) -> str:
    """From the driver straight below its words, then bent to what it dialled."""
    start, left, right = _middle(number), _LEFT + _LEFT_WIDTH, _RIGHT
    lead = left + min(30 + _OF_A_CHARACTER * len(way.says), _LONGEST_LEAD)
    bend = (lead + right) / 2
    kind = "passed" if way.passed else "failed"
    return (
        f'<path class="way {kind}" d="M{left} {start:.1f} H{lead:.1f} C{bend:.1f} {start:.1f} {bend:.1f}'
        f' {end:.1f} {right} {end:.1f}"/>'
    )


def _says(number: int, way: Way) -> str:
    sign, tone = ("✓", "good") if way.passed else ("✕", "bad")
    return (
        f'<text class="says" x="{_LEFT + _LEFT_WIDTH + 12}" y="{_middle(number) - 6:.1f}">'
        f'<tspan class="{tone}">{sign}</tspan> {_text(way.says)}</text>'
    )


def _driver(number: int, way: Way) -> Iterator[str]:
    middle = _middle(number)
    yield _box(_LEFT, middle, _LEFT_WIDTH)
    yield f'<text x="{_LEFT + 12}" y="{middle - 3:.1f}">{_text(way.probe)}</text>'
    yield f'<text class="quiet" x="{_LEFT + 12}" y="{middle + 13:.1f}">{_text(_under(way))}</text>'


def _under(way: Way) -> str:
    return " · ".join(filter(None, (way.driver, way.transport)))


def _place(place: str, middle: float, ways: Sequence[Way]) -> Iterator[str]:
    yield _box(_RIGHT, middle, _RIGHT_WIDTH)
    yield f'<text x="{_RIGHT + 12}" y="{middle - 3:.1f}">{_text(place)}</text>'
    yield f'<text class="quiet" x="{_RIGHT + 12}" y="{middle + 13:.1f}">{_text(role_at(place, ways))}</text>'


def _server(server: str, middle: float) -> Iterator[str]:
    yield f'<path class="way behind" d="M{_RIGHT + _RIGHT_WIDTH} {middle:.1f} H{_BEHIND}"/>'
    yield _box(_BEHIND, middle, _BEHIND_WIDTH)
    yield f'<text x="{_BEHIND + 12}" y="{middle + 5:.1f}">{_text(server)}</text>'


def _box(left: float, middle: float, width: float) -> str:
    return (
        f'<rect class="box" x="{left}" y="{middle - _BOX / 2:.1f}" width="{width}" height="{_BOX}" rx="6"/>'
    )


def _text(text: str) -> str:
    return html.escape(clean(text).replace("\n", " "))
