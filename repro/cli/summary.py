"""The last screen of a run: the verdict, what failed and where, what was found, and where to read on.

Every text here that came from a server or a driver is data: it is shown without control characters and never
read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from repro.cli import wording
from repro.cli.table import STYLES
from repro.cli.terminal import Symbols, Terminal
from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.report import proof
from repro.report.filing import choice, known

LEFT = "left behind"
"""How a note begins that tells what a probe left on the target."""

VERDICT_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "inconclusive": "bold yellow",
    "interrupted": "bold yellow",
}

_MOST_THREADS = 2


@dataclass(frozen=True, slots=True)
class Ending:
    """What the last screen tells beside the document itself.

    Args:
        document: what was written.
        folder: where it was written.
        repeat: the command that runs the failing probes (or all, where none failed) again.
        deadline: what the run and each probe were allowed, in words.
        interrupted: somebody stopped it.
        where: what it ran on, in words; from the document where that is empty.
    """

    document: RunDocument
    folder: Path
    repeat: str
    deadline: str = ""
    interrupted: bool = False
    where: str = ""


def show(ending: Ending, terminal: Terminal) -> None:
    """Print the last screen to a terminal or a pipe."""
    terminal.show(terminal.console(), _parts(ending, terminal.symbols))


def _parts(ending: Ending, symbols: Symbols) -> Iterator[RenderableType]:
    document = ending.document
    yield Text()
    yield _verdict(ending)
    alone = [outcome["name"] for outcome in document["probes"] if _was_tried_alone(outcome)]
    if alone:
        yield Text(f"with one transaction at a time only: {wording.data(', '.join(alone))}", style="dim")
    if not ending.where and _tried_no_rollback(document):
        yield Text("not tried: rollback, and transactions at once; --commit tries them", style="dim")
    left = [note for outcome in document["probes"] for note in outcome.get("notes", []) if LEFT in note]
    if left and document["target"].get("kind") != "lab":
        yield Text()
        yield Text("\n".join(wording.data(note) for note in left), style="yellow", overflow="fold")
    failing = [outcome for outcome in document["probes"] if outcome["status"] in FAILING]
    if failing:
        yield Text()
        yield _failures(failing, symbols)
    if document["findings"]:
        yield Text()
        yield _findings(ending)
    yield Text()
    yield _pointers(ending)


def _was_tried_alone(outcome: Outcome) -> bool:
    """Whether a client with a pool of its own passed without having been tried with transactions at once."""
    at_once = outcome["atomicity"]["detail"].get("at_once", {})
    return outcome["status"] == "pass" and outcome["name"].startswith("node.") and "not_checked" in at_once


def _tried_no_rollback(document: RunDocument) -> bool:
    """Whether a driver passed its transaction on a target where nothing durable may be written."""
    return document["transaction"]["effect"] == "rollback" and any(
        outcome["status"] == "pass" and "commit" in {stage["name"] for stage in outcome["stages"]}
        for outcome in document["probes"]
    )


def _verdict(ending: Ending) -> Text:
    verdict = "interrupted" if ending.interrupted else ending.document["verdict"]
    counts = f"{tally(ending.document['probes'])} in {wording.duration(ending.document['duration_s'] * 1000)}"
    kind = ending.document["target"].get("kind")
    where = ending.where or ("on the lab" if kind == "lab" else "on your target")
    return Text.assemble((verdict, VERDICT_STYLES[verdict]), f" {where}: {counts}")


def tally(outcomes: Sequence[Outcome]) -> str:
    """How many came to what: ``all 10 probes passed``, ``7 passed, 1 failed, 2 skipped of 10 probes``."""
    words = {
        "pass": "passed",
        "fail": "failed",
        "timeout": "timed out",
        "crash": "crashed",
        "skip": "skipped",
    }
    counts = {
        word: sum(outcome["status"] == status for outcome in outcomes) for status, word in words.items()
    }
    said = {word: count for word, count in counts.items() if count}
    whole = wording.counted(len(outcomes), "probe")
    if len(said) == 1 and len(outcomes) > 1:
        return f"all {whole} {next(iter(said))}"
    return f"{', '.join(f'{count} {word}' for word, count in said.items()) or 'none'} of {whole}"


def _failures(outcomes: Iterable[Outcome], symbols: Symbols) -> Table:
    """One line for each failing probe: the operation, the failure, the address or the reason."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for outcome in outcomes:
        error = outcome["error"]
        operation = "" if error is None else error["operation"]
        failure = outcome["status"] if error is None else error["failure"]
        grid.add_row(
            Text(f"{symbols.failed} {outcome['name']}", style=STYLES["fail"], no_wrap=True),
            Text(operation, no_wrap=True),
            Text(wording.data(failure)),
            Text(wording.data(_where(outcome))),
        )
    return grid


def _where(outcome: Outcome) -> str:
    """What was dialled; the name where it was not found; else the reason."""
    error = outcome["error"]
    if error is not None and error["address"]:
        return error["address"]
    if error is not None and error["operation"] == "resolve" and outcome["predicted"]:
        return outcome["predicted"][0]["host"]
    return outcome["reason"] or ""


def _findings(ending: Ending) -> Table:
    outcomes = ending.document["probes"]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for number, finding in enumerate(ending.document["findings"], start=1):
        grid.add_row(
            Text(f"finding {number}", style="bold", no_wrap=True),
            Text.assemble(
                (wording.data(finding["title"]), ""),
                (f"\n{wording.cause(finding)}: {wording.data(', '.join(finding['probes']))}", "dim"),
                *((f"\n{wording.data(said)}", "dim") for said in _said(finding, outcomes)),
                *((f"\n{wording.data(line)}", "") for line in _proof_and_fix(finding)),
                *((f"\n{wording.data(line)}", "dim") for line in _where_to_file(finding, ending)),
            ),
        )
    return grid


def _said(finding: Finding, outcomes: Sequence[Outcome]) -> list[str]:
    """What the deepest errors of a finding's probes say, each once."""
    errors = [each["error"] for each in outcomes if each["name"] in finding["probes"]]
    deepest = [error["chain"][-1]["message"] for error in errors if error is not None and error["chain"]]
    return list(dict.fromkeys(filter(None, deepest)))[:2]


def _proof_and_fix(finding: Finding) -> Iterator[str]:
    """What the experiment came to, and the best thing to do."""
    if finding["experiment"] is not None:
        yield f"proof: {proof.sentence(finding)}"
    if finding["fix"]:
        yield f"fix: {finding['fix'][0]}"


def _where_to_file(finding: Finding, ending: Ending) -> Iterator[str]:
    """The threads that know it, and whose form the report can have; nothing where it is no known bug."""
    if finding["cause"] is None:
        return
    threads = known.matches(ending.document, finding)
    yield from (f"known: {issue.url}" for issue in threads[:_MOST_THREADS])
    chosen = choice.chosen_for(ending.document, finding)
    if chosen.upstream is None:
        return
    command = f"repro report {wording.path(ending.folder)} --for {chosen.upstream.name}"
    yield (
        f"file: {command}"
        if chosen.seen
        else f"file: not yet. {choice.unseen(ending.document, chosen.upstream)}"
    )


def _pointers(ending: Ending) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for probes, reason in _skipped(ending.document["probes"]):
        grid.add_row(Text("skipped", style="yellow"), Text(f"{', '.join(probes)}: {wording.data(reason)}"))
    report = ending.folder / "report.md"
    shown = report if report.exists() else ending.folder
    if ending.deadline:
        grid.add_row(Text("deadline", style="dim"), Text(ending.deadline))
    grid.add_row(Text("report", style="dim"), Text(wording.path(shown), overflow="fold"))
    page = ending.folder / "report.html"
    if page.exists():
        grid.add_row(Text("page", style="dim"), Text(wording.path(page), overflow="fold"))
    grid.add_row(Text("repeat", style="dim"), Text(ending.repeat, overflow="fold"))
    return grid


def _skipped(outcomes: Sequence[Outcome]) -> list[tuple[list[str], str]]:
    """The skipped probes by reason, in order."""
    by_reason: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome["status"] == "skip":
            by_reason.setdefault(outcome["reason"] or "no reason given", []).append(outcome["name"])
    return [(probes, reason) for reason, probes in by_reason.items()]
