"""The pages of the known causes, as Markdown: one a cause, and an index by layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from repro.diagnose.cause import Cause
from repro.document import LAYERS

INDEX = "README.md"


def pages(causes: Sequence[Cause], scenarios: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Each page's text by its file's name.

    Args:
        causes: all of them.
        scenarios: the names of the scenarios that show a cause, by its id.
    """
    known = {cause.id for cause in causes}
    found = {f"{cause.id}.md": _page(cause, scenarios.get(cause.id, ()), known) for cause in causes}
    return {INDEX: _index(causes), **found}


def _index(causes: Sequence[Cause]) -> str:
    lines = [
        "# Known causes",
        "",
        f"{len(causes)} causes, by the layer where they sit. `repro explain CAUSE` prints the same pages;",
        "these are made by `repro explain --write docs/causes`.",
    ]
    for layer in LAYERS:
        of_layer = [cause for cause in causes if cause.layer == layer]
        if of_layer:
            lines += ["", f"## {layer}", "", "| cause | what it is |", "|---|---|"]
            lines += [f"| [{cause.id}]({cause.id}.md) | {_cell(cause.title)} |" for cause in of_layer]
    return "\n".join([*lines, ""])


def _page(cause: Cause, scenarios: Sequence[str], known: Iterable[str]) -> str:
    return "\n".join(_lines(cause, scenarios, frozenset(known))) + "\n"


def _lines(cause: Cause, scenarios: Sequence[str], known: frozenset[str]) -> Iterator[str]:
    yield f"# {cause.id}"
    yield ""
    yield f"**{_escaped(cause.title)}** (layer `{cause.layer}`)"
    yield ""
    yield _escaped(cause.summary)
    if cause.symptoms:
        yield from ("", "## How it shows", "", "| driver | what it says |", "|---|---|")
        yield from (f"| {_cell(who)} | {_cell(what)} |" for who, what in cause.symptoms.items())
    if cause.apart:
        yield from ("", "## Not to be taken for", "")
        for other, how in cause.apart.items():
            name = f"[{other}]({other}.md)" if other in known else f"`{other}`"
            yield f"- {name}: {_escaped(how)}"
    yield from ("", "## What to do", "")
    yield from (f"{number}. {_escaped(each)}" for number, each in enumerate(cause.fix, start=1))
    if scenarios:
        yield from ("", "## See it", "", "```sh")
        yield from (f"repro lab run {name}" for name in scenarios)
        yield "```"
    if cause.links:
        yield from ("", "## Where others met it", "")
        yield from (f"- <{link}>" for link in cause.links)


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """A text in which nothing of a driver's message is markup."""
    return re.sub(r"([\\*_`\[\]])", r"\\\1", text).replace("<", "&lt;")
