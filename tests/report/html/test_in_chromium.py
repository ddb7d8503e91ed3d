"""The page in a browser: from disk, in both themes, on a phone, by keyboard, on paper, with no request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.report.html import render
from tests.report.html import browser
from tests.report.html.browser import Browser, Tab
from tests.report.html.test_page import HOSTILE, long_trace

REQUIRED = "TXREPRO_REQUIRE_CHROMIUM"

CONTRAST = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (...colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const each of colours) { context.fillStyle = each; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (rgb) => {
    const even = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((each) => even(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.unshift(getComputedStyle(each).backgroundColor);
    }
    return layers;
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const shown = element.checkVisibility() && !element.matches("script, .unseen");
    if (!walker.currentNode.data.trim() || !shown) continue;
    const style = getComputedStyle(element);
    const layers = ["Canvas", ...behind(element)];
    const both = [light(paint(...layers)), light(paint(...layers, style.color))].sort((a, b) => a - b);
    const ratio = (both[1] + 0.05) / (both[0] + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) weak.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(weak)];
})()
"""

ANY_BUTTON = "[...document.querySelectorAll('button')].some((each) => each.checkVisibility())"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = browser.program()
    if path is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no chromium: apt-get install chromium")
        pytest.skip("no chromium here: apt-get install chromium")
    found = Browser(path, tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


class Opened:
    """Writes a run's page to disk and opens it as a double-click does."""

    def __init__(self, chromium: Browser, folder: Path) -> None:
        self._chromium = chromium
        self._folder = folder
        self.tabs: list[Tab] = []

    def __call__(self, run: Any, place: str = "", *, scripts: bool = True, **media: str) -> Tab:
        file = self._folder / "report.html"
        file.write_text(render(run.document, run.events), "utf-8")
        self.address = file.as_uri()
        tab = self._chromium.open(f"{self.address}{place}", scripts=scripts, **media)
        self.tabs.append(tab)
        return tab


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opened]:
    found = Opened(chromium, tmp_path)
    yield found
    for tab in found.tabs:
        tab.close()


@pytest.fixture
def hostile(origin: Any) -> Any:
    """What a browser would fetch or run, in the texts that come from servers and drivers."""
    for outcome in origin.document["probes"]:
        if outcome["error"]:
            outcome["error"]["chain"][0]["message"] = HOSTILE
            outcome["notes"] = [HOSTILE, "w" * 500]
    origin.document["findings"][0] |= {"title": HOSTILE, "summary": HOSTILE}
    for lines in origin.events.values():
        lines[0] |= {"dns.name": HOSTILE, "dns.answers": [HOSTILE]}
    return origin


def test_it_asks_for_nothing_but_itself_and_the_console_is_silent(opened: Opened, hostile: Any) -> None:
    tab = opened(hostile)
    tab.settle()

    assert tab.complaints() == []
    assert [each for each in tab.requests() if not each.startswith("data:")] == [opened.address]
    assert (
        tab.do("document.querySelector('h1').innerText")
        == "✕ Fail 2 of 7 probes failed on the user's own target"
    )
    assert tab.do("document.images.length + document.scripts.length") == 1


def test_a_script_that_got_in_would_not_run(opened: Opened, origin: Any) -> None:
    tab = opened(origin)

    tab.do(
        "const script = document.createElement('script');"
        "script.textContent = 'window.ran = 1';"
        "document.body.append(script);"
        "document.body.insertAdjacentHTML('beforeend', '<i id=x onclick=\"window.ran = 2\"></i>');"
        "document.getElementById('x').click()"
    )

    assert tab.do("window.ran ?? null") is None
    assert any("Content Security Policy" in each for each in tab.complaints())


def test_evidence_leads_to_its_event_and_unfolds_the_trace(opened: Opened, origin: Any) -> None:
    tab = opened(origin)
    assert tab.do("document.getElementById('trace-ws.neon').open") is False

    tab.do("document.querySelector('#findings a[href=\"#event-ws.neon-2\"]').click()")
    tab.settle()

    row = "document.getElementById('event-ws.neon-2')"
    assert tab.do("document.getElementById('trace-ws.neon').open") is True
    assert tab.do(f"{row}.matches(':target') && document.activeElement === {row}") is True
    assert tab.do(
        f"{row}.getBoundingClientRect().top > 0 && {row}.getBoundingClientRect().bottom < innerHeight"
    )


def test_an_address_with_an_event_opens_there(opened: Opened, origin: Any) -> None:
    tab = opened(origin, "#event-http.neon-2")
    tab.settle()

    assert tab.do("document.getElementById('trace-http.neon').open") is True


def test_a_trace_folded_again_opens_on_the_same_link(opened: Opened, origin: Any) -> None:
    tab = opened(origin, "#event-ws.neon-2")
    tab.do("document.getElementById('trace-ws.neon').open = false")

    tab.do("document.querySelector('#findings a[href=\"#event-ws.neon-2\"]').click()")
    tab.settle()

    assert tab.do("document.getElementById('trace-ws.neon').open") is True


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_in_both_themes(opened: Opened, hostile: Any, scheme: str) -> None:
    tab = opened(hostile, prefers_color_scheme=scheme)
    tab.do("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    tab.settle()

    back = tab.do("getComputedStyle(document.body).backgroundColor")

    assert (back == "rgb(17, 19, 21)") is (scheme == "dark")
    assert tab.do(CONTRAST) == []


def test_the_button_changes_the_theme_and_back(opened: Opened, origin: Any) -> None:
    tab = opened(origin, prefers_color_scheme="light")
    back = "getComputedStyle(document.body).backgroundColor"
    before = tab.do(back)

    tab.do("document.getElementById('theme').click()")
    dark = tab.do(back)
    tab.do("document.getElementById('theme').click()")

    assert dark != before
    assert tab.do(back) == before


def test_a_phone_shows_it_without_scrolling_sideways(opened: Opened, hostile: Any) -> None:
    tab = opened(hostile)
    tab.size(360, 740)
    tab.do("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    tab.settle()

    assert tab.do(TOO_WIDE) == 0
    assert tab.do("document.querySelector('.matrix').offsetWidth > 360")


def test_arrow_keys_go_from_event_to_event_and_the_hint_follows(opened: Opened, origin: Any) -> None:
    tab = opened(origin)
    tab.do("document.querySelector('#waterfall-ws\\\\.neon .lookup .mark').focus()")
    tab.settle()
    first = tab.do("document.getElementById('tip').innerText")

    tab.press("ArrowDown")

    assert first.startswith("look up localhost")
    assert tab.do("document.activeElement.closest('.lane').className") == "lane connect"
    hint = tab.do("document.getElementById('tip').innerText").splitlines()
    assert hint == [
        "connect",
        "127.0.0.1:443",
        "at 20.0 ms, took 1.20 ms",
        "✕ connection_refused ECONNREFUSED",
    ]
    tab.press("ArrowUp")
    assert tab.do("document.activeElement.closest('.lane').className") == "lane lookup"
    tab.press("Escape")
    assert tab.do("document.getElementById('tip').checkVisibility()") is False


def test_the_tab_key_stops_once_in_each_lane(opened: Opened, origin: Any) -> None:
    origin.events["ws.neon"] = long_trace(50)
    tab = opened(origin)

    stops = tab.do(
        "[...document.querySelectorAll('#waterfall-ws\\\\.neon .mark')].map((each) => each.tabIndex)"
    )

    assert len(stops) > 10
    assert stops.count(0) == 1
    tab.do("document.querySelector('#waterfall-ws\\\\.neon .mark').focus()")
    tab.press("ArrowRight")
    assert tab.do("document.activeElement.tabIndex") == 0
    assert tab.do("document.querySelectorAll('#waterfall-ws\\\\.neon .mark[tabindex=\"0\"]').length") == 1


def test_the_first_stop_skips_to_the_content(opened: Opened, origin: Any) -> None:
    tab = opened(origin)

    tab.press("Tab")

    assert tab.do("document.activeElement.innerText") == "Skip to the findings"
    assert tab.do("document.activeElement.getBoundingClientRect().top") == 0


def test_what_is_looked_at_is_unfolded_and_the_buttons_change_that(opened: Opened, origin: Any) -> None:
    tab = opened(origin)
    unfolded = "[...document.querySelectorAll('.fall[open]')].map((each) => each.id.slice(10))"

    assert tab.do(unfolded) == ["http.neon", "ws.neon", "tcp.raw"]
    tab.do("document.querySelector('[data-unfold=none]').click()")
    assert tab.do(unfolded) == []
    tab.do("document.querySelector('[data-unfold=all]').click()")
    assert len(tab.do(unfolded)) == 7
    tab.do("document.querySelector('[data-unfold=looked-at]').click()")
    assert tab.do(unfolded) == ["http.neon", "ws.neon", "tcp.raw"]


def test_the_scale_is_a_choice(opened: Opened, origin: Any) -> None:
    tab = opened(origin)
    left = "document.querySelector('#waterfall-ws\\\\.neon .connect .mark').getBoundingClientRect().left"
    by_decades = tab.do(left)

    tab.do("document.getElementById('scale-even').click()")
    tab.settle()

    assert tab.do(left) != by_decades
    assert tab.do("document.querySelector('.ticks.decades').checkVisibility()") is False


def test_on_paper_nothing_is_folded_and_no_button_is_left(opened: Opened, origin: Any) -> None:
    tab = opened(origin)
    tab.do(
        "addEventListener('afterprint', () => 0); window.folded = null;"
        "matchMedia('print').addEventListener('change', () => {"
        " window.folded ??= document.querySelectorAll('details:not([open])').length; })"
    )

    assert tab.pages_on_paper().startswith(b"%PDF")

    assert tab.do("window.folded") == 0
    assert tab.do("document.querySelectorAll('details:not([open])').length") > 0
    tab.prefer(media="print")
    assert tab.do(ANY_BUTTON) is False


def test_without_a_script_everything_is_there_and_folds(opened: Opened, origin: Any) -> None:
    tab = opened(origin, scripts=False)

    assert tab.do(ANY_BUTTON) is False
    assert tab.do("document.querySelectorAll('.mark').length") > 10
    tab.do("document.querySelector('.trace > summary').click()")
    assert tab.do("document.querySelector('.trace').open") is True


def test_many_events_are_drawn_within_their_lanes(opened: Opened, origin: Any) -> None:
    origin.events["ws.neon"] = long_trace(5_000)
    tab = opened(origin)

    marks = tab.do("document.querySelectorAll('#waterfall-ws\\\\.neon .mark').length")
    outside = tab.do(
        "[...document.querySelectorAll('.fall[open] .mark')].filter((each) => {"
        " const [mark, track] = [each, each.parentElement].map((one) => one.getBoundingClientRect());"
        " return mark.left < track.left - 1 || mark.right > track.right + 1; }).length"
    )

    assert 50 < marks <= 240
    assert outside == 0
