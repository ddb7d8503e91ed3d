"""The body of a report for one upstream: its own headings, in its order, filled from the run.

The sentence that says what is wrong is left to the person who files it, and so is what the run cannot know:
each such place has a mark, which `repro report --check` finds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from repro.document import RunDocument
from repro.report import template
from repro.report.failure import Room
from repro.report.filing import choice, slots, subject
from repro.report.filing.subject import Subject
from repro.report.filing.upstream import Heading, Upstream
from repro.report.fitting import LIMIT, fitted, size
from repro.reproduce.record import Reproduction

NO_RESPONSE = "_No response_"
"""What GitHub puts under a question of a form that was not answered."""

LABELS = {
    "actual": "What happens",
    "error": "The error",
    "steps": "To repeat it",
    "program": "The program",
    "expected": "What should happen",
    "versions": "Versions",
    "environment": "Environment",
    "target": "Target",
    "evidence": "Evidence",
    "logs": "Logs",
}
"""What stands above each part of an answer that has several."""

_GO_FIRST = ("logs", "environment", "target", "evidence", "packages", "versions", "table", "steps", "program")
"""What is left out of a body that even in the least room is too long, in that order."""


def render(
    document: RunDocument,
    events: Mapping[str, Sequence[Mapping[str, Any]]],
    upstream: Upstream,
    template_text: str | None = None,
    reproductions: Sequence[Reproduction] = (),
) -> str:
    """The body for an upstream as Markdown, of fewer than 60,000 characters.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name; a probe may be missing.
        upstream: whose headings it has.
        template_text: Markdown with slots of the same names in the place of those headings.
        reproductions: of the run, as they stand beside it.
    """
    told = subject.of(document, events, upstream, reproductions)
    body = _in_template(told, template_text) if template_text is not None else _under_headings(told)
    text = ""
    for number in range(len(_GO_FIRST) + 1):
        without = frozenset(_GO_FIRST[:number])
        text = fitted(functools.partial(body, without=without))
        if size(text) < LIMIT:
            return text
    return text


class Body(Protocol):
    """Makes the body."""

    def __call__(self, room: Room, without: frozenset[str]) -> str:
        """The body with a given room, without some of the slots."""


def _in_template(told: Subject, text: str) -> Body:
    def body(room: Room, without: frozenset[str]) -> str:
        names = (*slots.PLAIN, *slots.SLOTS)
        contents = {name: _answer(name, told, Heading(), room, without) for name in names}
        return template.fill(text, {"form": "", **contents})

    return body


def _under_headings(told: Subject) -> Body:
    writing = _STYLES[told.upstream.style]

    def body(room: Room, without: frozenset[str]) -> str:
        parts = (_part(heading, told, room, without) for heading in told.upstream.headings)
        blocks = [
            writing(heading, content)
            for heading, content in zip(told.upstream.headings, parts, strict=True)
            if content or heading.required or told.upstream.style == "form"
        ]
        return _joined([*_warning(told), *blocks])

    return body


def _warning(told: Subject) -> Iterator[str]:
    """A mark above a body that is not the upstream's affair, or not yet; it keeps it from being filed."""
    if not told.concerns:
        yield _stop(f"nothing that failed in this run is of {told.upstream.name}: do not file this there")
    elif told.lacks_package:
        yield _stop(choice.unseen(told.document, told.upstream))


def _stop(why: str) -> str:
    return f"<!-- txrepro:stop {why} -->"


def _joined(blocks: Sequence[str]) -> str:
    """The blocks with an empty line between them, but none between two items of a list."""
    text = ""
    for block in blocks:
        in_list = (
            block.startswith("* ") and text.rpartition("\n")[2][:2] in {"* ", "  "} and "\n\n" not in block
        )
        text += block if not text else f"\n{block}" if in_list else f"\n\n{block}"
    return text + "\n"


def _part(heading: Heading, told: Subject, room: Room, without: frozenset[str]) -> str:
    """What stands under a heading; a mark where something is required and not known."""
    boxes = [f"- [ ] {each} {mark('tick it once it is true')}" for each in heading.checkboxes]
    answers = {name: _answer(name, told, heading, room, without) for name in heading.slots}
    known = {name: text for name, text in answers.items() if text}
    if boxes:
        return "\n".join(boxes)
    if not heading.slots or not any(known):
        return mark(heading.hint or _asked(heading)) if heading.required else ""
    return _labelled(known) if not heading.text or len(heading.slots) > 3 else _plain(known)


def _answer(name: str, told: Subject, heading: Heading, room: Room, without: frozenset[str]) -> str:
    if name not in without:
        return slots.fill(name, told, heading, room)
    return "Left out, for its length: see `run.json`." if slots.fill(name, told, heading, room) else ""


def _asked(heading: Heading) -> str:
    return " ".join(heading.text.split()) or "what is asked for here"


def _labelled(known: Mapping[str, str]) -> str:
    return "\n\n".join(_labels(known))


def _labels(known: Mapping[str, str]) -> Iterator[str]:
    for name, text in known.items():
        if name in LABELS:
            yield f"**{LABELS[name]}**"
        yield text


def _plain(known: Mapping[str, str]) -> str:
    """Answers of a few words on one line, others one after another."""
    between = ", " if all(name in slots.PLAIN for name in known) else "\n\n"
    return between.join(known.values())


def mark(hint: str) -> str:
    """The mark of a place that a person is to fill in.

    Args:
        hint: what is wanted there; ours, never a driver's words.
    """
    return f"<!-- txrepro:fill {hint} -->"


def _as_form(heading: Heading, content: str) -> str:
    return f"### {heading.text}\n\n{content or NO_RESPONSE}" if heading.text else content


def _as_markdown(heading: Heading, content: str) -> str:
    return f"## {heading.text}\n\n{content}" if heading.text else content


def _as_bullet(heading: Heading, content: str) -> str:
    return f"* {_as_bold(heading, content)}" if heading.text else content


def _as_bold(heading: Heading, content: str) -> str:
    if not heading.text:
        return content
    between = "\n\n" if "\n" in content else " "
    return f"**{heading.text}**:{between}{content}"


_STYLES: Mapping[str, Callable[[Heading, str], str]] = {
    "form": _as_form,
    "markdown": _as_markdown,
    "bullets": _as_bullet,
    "bold": _as_bold,
}
