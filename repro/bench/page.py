"""The page of a bench: one HTML file that needs no other file and no network, styled as a run's page is."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

from repro.bench import plot, told
from repro.bench.document import BenchDocument, ProbeRecord, Times
from repro.bench.lineup import BASELINES, Work
from repro.document import FAILING
from repro.report.counting import counted
from repro.report.html import assets, frame, words
from repro.report.html.frame import Section
from repro.report.html.markup import Html, code, element, facts, join, line

_WORKS: tuple[tuple[Work, str], ...] = (("transaction", "The transaction"), ("push", "The push"))
_MOST_OF_A_MESSAGE = 1_000
_MOST_OF_A_NAME = 120


def render(document: BenchDocument) -> str:
    """The bench as one HTML file. The same document gives the same text.

    Args:
        document: without secrets, as it is written.
    """
    tool = document["tool"]
    return frame.page(
        f"Bench: {headline(document)} ({document['run_id']})",
        _header(document),
        list(_sections(document)),
        f"Made by {tool['name']} {tool['version']} from bench.json of {document['run_id']}. ",
        style=style(),
    )


@functools.cache
def style() -> str:
    """A run's style, and that of the plots."""
    own = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return assets.read(assets.STYLE) + own


def headline(document: BenchDocument) -> str:
    """The bench in one clause, such as ``8 drivers on the lab``."""
    timed = [each for each in document["probes"] if each["effect"]]
    where = "on the lab" if document["target"].get("kind") == "lab" else "on the user's own target"
    return f"{counted(len(timed), 'driver')} timed {where}"


def _header(document: BenchDocument) -> Html:
    name = join(document["tool"]["name"], " bench ", element("span", document["run_id"], cls="id"))
    failing = [each for each in document["probes"] if each["status"] in FAILING]
    return element(
        "header",
        element("p", name, cls="eyebrow"),
        element("h1", _capital(headline(document))),
        element("ul", _counts(document), cls="counts"),
        element("ul", map(_failing, failing), cls="failing") if failing else None,
        id="top",
    )


def _counts(document: BenchDocument) -> Iterator[Html]:
    how = document["method"]
    yield element("li", element("b", f"{how['transactions']['done']:,}"), " rounds")
    failed = sum(each["status"] in FAILING for each in document["probes"])
    skipped = sum(each["status"] == "skip" for each in document["probes"])
    yield from (
        element("li", element("b", f"{number:,}"), " ", word)
        for word, number in (("failed", failed), ("skipped", skipped))
        if number
    )
    yield element("li", element("b", words.milliseconds(document["duration_s"] * 1000)), " in all")
    yield element("li", element("b", document["started_at"][:10]), " ", document["started_at"][11:16], " UTC")


def _failing(probe: ProbeRecord) -> Html:
    sign = element("span", words.SIGNS["fail"], " ", cls="sign fail", aria_hidden="true")
    return element(
        "li", sign, element("b", probe["name"]), " ", line(told.failure(probe), _MOST_OF_A_MESSAGE)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sections(document: BenchDocument) -> Iterator[Section]:
    for work, heading in _WORKS:
        probes = told.by_time(document, work)
        if any(probe["effect"] for probe in probes):
            yield work, heading, _work(document, work, probes)
    connected = sorted(
        (probe for probe in document["probes"] if probe["connect"]),
        key=lambda probe: probe["connect"]["median_ms"] if probe["connect"] else 0.0,
    )
    if connected:
        yield "connect", "Connecting", _connecting(connected)
    if document["budgets"]:
        yield "budgets", "Budgets", _budgets(document)
    yield "method", "How it was measured", _method(document)


def _work(document: BenchDocument, work: Work, probes: Sequence[ProbeRecord]) -> Html:
    notes = [element("p", line(each, _MOST_OF_A_MESSAGE), cls="hint") for each in told.notes(document, work)]
    return join(
        plot.key(),
        plot.render(probes, _effect, "the transaction" if work == "transaction" else "the push", _held),
        _table(probes, work),
        element("div", notes, cls="notes") if notes else None,
    )


def _held(probe: ProbeRecord) -> str:
    return "baseline" if probe["baseline"] else told.ratio_alone(probe["ratio"])


def _effect(probe: ProbeRecord) -> Times | None:
    return probe["effect"]


def _connect(probe: ProbeRecord) -> Times | None:
    return probe["connect"]


def _connecting(probes: Sequence[ProbeRecord]) -> Html:
    what = (
        "From nothing to the server's first answer: lookup, connect, TLS, login, and one small request, "
        "because some drivers dial only when they are asked something."
    )
    return join(element("p", what, cls="hint"), plot.render(probes, _connect, "connecting"))


def _table(probes: Sequence[ProbeRecord], work: Work) -> Html:
    headings = (
        "",
        "driver",
        "median",
        "its 95 % interval",
        "95 of 100 within",
        f"times {BASELINES[work]}",
        "place",
    )
    head = [
        element("th", each, scope="col", cls=None if number < 2 else "number")
        for number, each in enumerate(headings)
    ]
    table = element(
        "table",
        element("thead", element("tr", head)),
        element("tbody", (_row(probe) for probe in probes if probe["effect"])),
    )
    return element(
        "div", table, cls="scroll matrix", tabindex=0, role="region", aria_label="The same as numbers"
    )


def _row(probe: ProbeRecord) -> Html:
    driver = " ".join(filter(None, (probe["driver"]["name"], probe["driver"]["version"])))
    times = probe["effect"]
    cells = (
        told.median(times),
        told.between(times),
        told.slow(times),
        told.ratio(probe["ratio"], baseline=probe["baseline"]),
        "" if probe["place"] is None else str(probe["place"]),
    )
    return element(
        "tr",
        element("th", line(probe["name"], _MOST_OF_A_NAME), scope="row"),
        element("td", line(driver, _MOST_OF_A_NAME)),
        (element("td", each, cls="number") for each in cells),
    )


def _budgets(document: BenchDocument) -> Html:
    return facts(
        (
            code(each["probe"]),
            element("span", line(told.budget(each), _MOST_OF_A_MESSAGE), cls=f"verdict {each['verdict']}"),
        )
        for each in document["budgets"]
    )


def _method(document: BenchDocument) -> Html:
    skipped = [each for each in document["probes"] if each["status"] == "skip"]
    left = [note for each in document["probes"] for note in each["notes"]]
    return facts(
        [
            ("In turns", _capital(told.method(document)) + "."),
            (
                "Target",
                "the lab" if document["target"].get("kind") == "lab" else "of the user's own",
            ),
            *((f"Skipped: {each['name']}", line(each["reason"] or "", 400)) for each in skipped),
            *(("Left behind", line(note, 400)) for note in left),
            ("Machine", line(_machine(document), 400)),
            ("Every time", join("in ", code("bench.json"), " beside this file")),
        ]
    )


def _machine(document: BenchDocument) -> str:
    environment = document["environment"]
    python, platform = environment.get("python"), environment.get("platform")
    pieces = [f"{document['tool']['name']} {document['tool']['version']}"]
    if isinstance(python, dict):
        pieces.append(f"Python {python.get('version', '')}")
    if isinstance(platform, dict):
        pieces.append(" ".join(str(platform[key]) for key in ("system", "machine") if key in platform))
    return " · ".join(pieces)
