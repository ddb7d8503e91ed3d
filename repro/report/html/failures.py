"""The failing probes in full: how each failed, where it dialled and was to dial, and its error chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from repro.document import FAILING, ChainLink, ErrorRecord, Outcome, RunDocument
from repro.report import network
from repro.report.counting import counted
from repro.report.escape import shortened
from repro.report.failure import torn
from repro.report.html import words
from repro.report.html.markup import (
    Content,
    Html,
    block,
    code,
    codes,
    element,
    facts,
    folded,
    join,
    line,
)
from repro.report.html.room import Room
from repro.report.html.trace import Events, Trace, failure_id, fall_id, trace_id
from repro.report.timeline import MOST_OF_A_LINE, excerpt

_MOST_ADDRESSES = 12
_APPLIED = {"no": "no", "yes": "yes", "unknown": "unknown: no answer says so"}


def render(document: RunDocument, events: Events, traces: Sequence[Trace], room: Room) -> Html | None:
    """Every failing probe; None where none failed."""
    failing = [each for each in document["probes"] if each["status"] in FAILING and each["error"] is not None]
    if not failing:
        return None
    traced = {trace.name for trace in traces}
    shown = [
        _failure(
            outcome, outcome["error"], document["probes"], events, room, traced=outcome["name"] in traced
        )
        for outcome in failing[: room.items]
        if outcome["error"] is not None
    ]
    if len(failing) > len(shown):
        shown.append(
            element("p", f"{len(failing) - len(shown):,} more failing probes are in run.json.", cls="hint")
        )
    return join(shown)


def _failure(
    outcome: Outcome,
    error: ErrorRecord,
    outcomes: Sequence[Outcome],
    events: Events,
    room: Room,
    *,
    traced: bool,
) -> Html:
    name = outcome["name"]
    return element(
        "article",
        element(
            "h3",
            element("span", words.SIGNS["fail"], cls="sign fail", aria_hidden="true"),
            " ",
            name,
            " ",
            _how(outcome),
        ),
        _chain(error, room),
        facts(_rows(outcome, error, outcomes, events, room)),
        _log(outcome, room),
        element("p", _ways(name), cls="more") if traced else None,
        id=failure_id(name),
        cls="failure",
    )


def _how(outcome: Outcome) -> Html:
    return element("span", line(words.ended(outcome), 300), cls="how")


def _ways(name: str) -> Iterator[Content]:
    yield element("a", "Its waterfall", href=f"#{fall_id(name)}")
    yield " · "
    yield element("a", "Its trace", href=f"#{trace_id(name)}")


def _rows(
    outcome: Outcome, error: ErrorRecord, outcomes: Sequence[Outcome], events: Events, room: Room
) -> Iterator[tuple[Content, Content]]:
    lines = events.get(outcome["name"], ())
    yield "Failure", codes(words.numbers(error), room.message)
    yield "Predicted", predicted(outcome)
    yield "Dialled", dialled(outcome, lines)
    yield "Passing probes", _contrast(network.passing_addresses(outcome, outcomes, events))
    yield "Effect applied", _APPLIED[outcome["applied"]]
    yield "Atomicity", _atomicity(outcome)
    yield "Driver", codes(_driver(outcome), 120)
    yield "Notes", _notes(outcome, room)


def predicted(outcome: Outcome) -> Html:
    """What the driver was to dial, said before any packet."""
    pieces = [
        join(code(each["url"]), " → ", code(network.socket_of(each)))
        for each in outcome["predicted"][:_MOST_ADDRESSES]
    ]
    return element("ul", [element("li", each) for each in pieces], cls="plain") if pieces else Html("")


def dialled(outcome: Outcome, lines: Sequence[Mapping[str, object]]) -> Html:
    """What it dialled, and whether that was what was predicted."""
    seen = network.dialled(outcome, lines)
    if not seen:
        return join("nothing")
    pieces = [
        join(code(address), " ", "connected" if failure is None else code(failure))
        for address, failure in seen[:_MOST_ADDRESSES]
    ]
    if len(seen) > _MOST_ADDRESSES:
        pieces.append(join(f"and {len(seen) - _MOST_ADDRESSES:,} more"))
    agree = network.as_predicted(outcome["predicted"], (address for address, _ in seen))
    verdict = "✓ where it was predicted" if agree else element("b", "✕ not what was predicted")
    if outcome["predicted"]:
        pieces.append(join(verdict))
    return element("ul", [element("li", each) for each in pieces], cls="plain")


def _contrast(reached: Mapping[str, Sequence[str]]) -> Html | None:
    """What the passing probes of the same kind reached, where that was another address."""
    pieces = [
        join("reached ", code(address), " (", codes(names[:6]), " …)" if len(names) > 6 else ")")
        for address, names in list(reached.items())[:4]
    ]
    return element("ul", [element("li", each) for each in pieces], cls="plain") if pieces else None


def _atomicity(outcome: Outcome) -> Html | None:
    told = [code(text) if is_foreign else text for text, is_foreign in torn(outcome)]
    return join(element("b", "✕ broken"), *told) if told else None


def _driver(outcome: Outcome) -> list[str]:
    driver = outcome["driver"]
    told = [" ".join(filter(None, (driver["name"], driver["version"])))]
    told += [f"{name} {version}" for name, version in list(outcome.get("versions", {}).items())[:20]]
    return [each for each in told if each]


def _notes(outcome: Outcome, room: Room) -> Html | None:
    notes = [element("li", line(note, room.message)) for note in outcome.get("notes", [])[: room.details]]
    return element("ul", notes, cls="plain") if notes else None


def _chain(error: ErrorRecord, room: Room) -> Html:
    """The whole chain of causes, the outermost first, each one further in."""
    links = error["chain"] or [
        ChainLink(type=error["type"], message=error["message"], code=error["errno"] or error["sqlstate"])
    ]
    shown = links if len(links) <= room.links else [links[0], *links[1 - room.links :]]
    rows = [element("li", _link(link, room)) for link in shown]
    if len(links) > len(shown):
        rows.insert(1, element("li", f"{counted(len(links) - len(shown), 'link')} left out", cls="hint"))
    label = "Error chain, outermost first" if len(links) > 1 else "Error"
    return element("figure", element("figcaption", label), element("ol", rows, cls="chain"))


def _link(link: ChainLink, room: Room) -> Iterator[Content]:
    yield element("b", line(link["type"], 200))
    if link["code"] is not None:
        yield " "
        yield code(link["code"], 60)
    if link["message"]:
        yield element("span", line(link["message"], room.message), cls="message")


def _log(outcome: Outcome, room: Room) -> Html | None:
    log = outcome.get("log", [])
    if not log:
        return None
    shown = excerpt([shortened(each, MOST_OF_A_LINE) for each in log], room.log_lines)
    body = block("\n".join(shown), label=f"Standard error of {outcome['name']}")
    return folded(f"The end of its standard error, {counted(len(log), 'line')}", body)
