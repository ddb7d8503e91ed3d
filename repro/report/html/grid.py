"""The matrix: every probe against every stage, with the cell marked in which it failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import FAILING, STAGES, Outcome, StageName
from repro.report.counting import counted
from repro.report.html import words
from repro.report.html.markup import Content, Html, code, element, folded, join, line, unseen
from repro.report.html.room import Room
from repro.report.html.trace import failure_id, fall_id
from repro.report.matrix import HEADINGS

_SAID = {"pass": "passed", "fail": "failed", "skip": "not reached", "not_applicable": "does not apply"}
_SIGNS = {**words.SIGNS, "skip": "·"}


def render(outcomes: Sequence[Outcome], room: Room) -> Html:
    """The matrix, a row for each probe, and why others were skipped."""
    tried = [each for each in outcomes if each["status"] != "skip"]
    shown = sorted(tried, key=lambda each: each["status"] not in FAILING)[: room.probes]
    kept = [each for each in tried if each in shown] if len(tried) > len(shown) else tried
    return join(_table(kept, room) if kept else None, _more(len(tried) - len(kept)), _skipped(outcomes, room))


def _table(outcomes: Sequence[Outcome], room: Room) -> Html:
    present = {stage["name"] for outcome in outcomes for stage in outcome["stages"]}
    columns = [stage for stage in STAGES if stage in present]
    failing = [each["name"] for each in outcomes if each["status"] in FAILING][: room.items]
    headings = [element("th", HEADINGS.get(stage, stage), scope="col") for stage in columns]
    head = element(
        "tr", element("th", "probe", scope="col"), element("th", "result", scope="col"), headings, _time()
    )
    rows = [_row(outcome, columns, told=outcome["name"] in failing) for outcome in outcomes]
    table = element("table", element("thead", head), element("tbody", rows), cls="matrix")
    return join(
        element("div", table, cls="scroll", tabindex=0, role="region", aria_label="Probes by stages"),
        element(
            "p",
            "✓ passed, ✕ failed here, · not reached, n/a does not apply; blank: no part of this probe.",
            cls="hint",
        ),
    )


def _time() -> Html:
    return element("th", "time", scope="col", cls="number")


def _row(outcome: Outcome, columns: Sequence[StageName], *, told: bool) -> Html:
    stages = {stage["name"]: stage for stage in outcome["stages"]}
    cells = [
        _cell(outcome, stages[name]["status"], told=told) if name in stages else element("td")
        for name in columns
    ]
    status = outcome["status"]
    return element(
        "tr",
        element("th", element("a", outcome["name"], href=f"#{fall_id(outcome['name'])}"), scope="row"),
        element("td", element("span", words.SIGNS[status], " ", words.ENDED[status], cls=f"sign {status}")),
        cells,
        element("td", words.milliseconds(outcome["duration_ms"]), cls="number"),
        cls=status,
    )


def _cell(outcome: Outcome, status: str, *, told: bool) -> Html:
    sign = join(
        element("span", _SIGNS.get(status, ""), aria_hidden="true"), unseen(_SAID.get(status, status))
    )
    if status == "fail" and told:
        sign = element("a", sign, href=f"#{failure_id(outcome['name'])}")
    return element("td", sign, cls=f"stage {status}")


def _more(left_out: int) -> Html | None:
    return element("p", f"{counted(left_out, 'more probe')} in run.json.", cls="hint") if left_out else None


def _skipped(outcomes: Sequence[Outcome], room: Room) -> Html | None:
    """The skipped probes by their reasons."""
    by_reason: dict[str, list[str]] = {}
    for each in outcomes:
        if each["status"] == "skip":
            by_reason.setdefault(each["reason"] or "", []).append(each["name"])
    if not by_reason:
        return None
    rows = [element("li", _reason(reason, names, room)) for reason, names in by_reason.items()][
        : room.details
    ]
    number = sum(map(len, by_reason.values()))
    return folded(f"{counted(number, 'probe')} skipped", element("ul", rows))


def _reason(reason: str, names: Sequence[str], room: Room) -> Iterator[Content]:
    for place, name in enumerate(names[: room.details]):
        yield ", " if place else None
        yield code(name)
    if len(names) > room.details:
        yield f" and {len(names) - room.details:,} more"
    yield join(": ", line(reason, 400)) if reason else None
