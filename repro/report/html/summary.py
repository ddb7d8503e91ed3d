"""The head of the page: the verdict, what failed, and on what it ran, before anything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import FAILING, Outcome, RunDocument
from repro.report.counting import counted
from repro.report.facts import told
from repro.report.html import words
from repro.report.html.markup import Content, Html, code, element, line
from repro.report.html.room import Room
from repro.report.html.trace import failure_id

_VERDICTS = {"pass": "Pass", "fail": "Fail", "inconclusive": "Inconclusive"}
_MOST_VERSIONS = 12


def title(document: RunDocument) -> str:
    """The page's name in a tab or a list of files."""
    return f"{_VERDICTS[document['verdict']]}: {headline(document)} ({document['run_id']})"


def headline(document: RunDocument) -> str:
    """The run in one clause, such as ``2 of 10 probes failed on your own target``."""
    probes = document["probes"]
    tested = [each for each in probes if each["status"] != "skip"]
    failing = [each for each in tested if each["status"] in FAILING]
    where = "on the lab" if document["target"].get("kind") == "lab" else "on the user's own target"
    if failing:
        return f"{len(failing)} of {counted(len(tested), 'probe')} failed {where}"
    if not tested:
        return f"nothing was tested {where}"
    return f"all {counted(len(tested), 'probe')} passed {where}"


def render(document: RunDocument, room: Room) -> Html:
    """The verdict with its counts, the failing probes, and a line of versions."""
    verdict = document["verdict"]
    return element(
        "header",
        element(
            "p",
            document["tool"]["name"],
            " run ",
            element("span", document["run_id"], cls="id"),
            cls="eyebrow",
        ),
        element(
            "h1",
            element("span", words.SIGNS[verdict], " ", _VERDICTS[verdict], cls=f"verdict {verdict}"),
            " ",
            _capital(headline(document)),
        ),
        element("ul", _counts(document), cls="counts"),
        _failing(document["probes"], room),
        element("p", _versions(document), cls="versions"),
        id="top",
    )


def _capital(words_of_it: str) -> str:
    return words_of_it[:1].upper() + words_of_it[1:]


def _counts(document: RunDocument) -> Iterator[Html]:
    statuses = [each["status"] for each in document["probes"]]
    for word, number in (
        ("passed", statuses.count("pass")),
        ("failed", sum(status in FAILING for status in statuses)),
        ("skipped", statuses.count("skip")),
    ):
        yield element("li", element("b", f"{number:,}"), " ", word)
    yield element("li", element("b", words.milliseconds(document["duration_s"] * 1000)), " in all")
    yield element("li", element("b", document["started_at"][:10]), " ", document["started_at"][11:16], " UTC")


def _failing(outcomes: Sequence[Outcome], room: Room) -> Html | None:
    failing = [each for each in outcomes if each["status"] in FAILING]
    if not failing:
        return None
    rows = [
        element("li", _one(outcome, told_in_full=place < room.items))
        for place, outcome in enumerate(failing[:8])
    ]
    if len(failing) > len(rows):
        rows.append(element("li", f"and {len(failing) - len(rows):,} more"))
    return element("ul", rows, cls="failing")


def _one(outcome: Outcome, *, told_in_full: bool) -> Iterator[Content]:
    name = element("b", outcome["name"])
    yield element("span", words.SIGNS["fail"], " ", cls="sign fail", aria_hidden="true")
    yield element("a", name, href=f"#{failure_id(outcome['name'])}") if told_in_full else name
    yield " "
    yield line(words.ended(outcome), 200)
    if outcome["error"] is not None and outcome["error"]["address"] is not None:
        yield " "
        yield code(outcome["error"]["address"], 100)


def _versions(document: RunDocument) -> str:
    """The versions that a maintainer asks for first, in one line."""
    environment = document["environment"]
    python = environment.get("python")
    platform = environment.get("platform")
    drivers = environment.get("drivers")
    pieces = [f"{document['tool']['name']} {document['tool']['version']}"]
    if isinstance(python, dict):
        pieces.append(f"Python {python.get('version', '')}")
    if isinstance(platform, dict):
        pieces.append(" ".join(str(platform[key]) for key in ("system", "machine") if key in platform))
    pieces += told(drivers)[:_MOST_VERSIONS]
    return " · ".join(piece[:80] for piece in pieces)
