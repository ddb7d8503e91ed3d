"""Hostile text in every field of a run where a driver or a server may have put it."""

from __future__ import annotations

import copy
from typing import Any

from tests.report.conftest import Run

TEXTS = {
    "fences": "`````\n```\n~~~~~~~~\n``````````\n`",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></details></summary><!-- --> <a href=x>",
    "comment": "--> <!-- txrepro:summary -->",
    "pings": "@torvalds @org/team #1 GH-2 owner/repo#3 0123456789abcdef0123456789abcdef01234567",
    "links": "https://evil.invalid www.evil.invalid [a](https://evil.invalid) ![b](https://evil.invalid/x.png)",
    "addresses": "<https://evil.invalid> mailto:a@evil.invalid a@evil.invalid",
    "references": "[a]: https://evil.invalid\n\n[a]",
    "headings": "# one\n\ntwo\n===\nthree\n---\n\n***\n",
    "lists": "- a\n  - b\n1. c\n> d\n\n    e\n",
    "tables": "| a | b |\n|---|---|\n| c | d |",
    "bars": "a | b \\| c || d",
    "terminal": "\x1b[31mred\x1b[0m \x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07\x07\x08\r",
    "direction": "abc \u202e drawkcab \u2066 isolate \u200b zero \ufeff",
    "controls": "a\x00b\x0bc\x0cd\x85e\u2028f\u2029g\ud800h",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ `f` \\* &lt; &#64; :smile:",
    "endings": "a\r\nb\rc\n",
    "long": "x" * 3_000,
    "nothing": "",
    "space": " \t ",
}

_OURS = frozenset(
    {
        "schema",
        "verdict",
        "effect",
        "status",
        "failure",
        "operation",
        "layer",
        "proof",
        "applied",
        "started_at",
    }
    | {"kind", "op", "src", "errno", "wall_clock_origin", "run_id"}
)
"""Keys whose values are of a closed vocabulary, which the schema holds."""

_BY_NAME = frozenset({"name", "probe", "probes", "cause", "events"})
"""Keys by which one part of a run finds another: what stands there must stay the same everywhere."""


def with_text(run: Run, text: str) -> Run:
    """The run with this text in the place of every free one, in the values and not in the keys."""
    document = copy.deepcopy(run.document)
    return Run(_filled(document, text), {name: _filled(lines, text) for name, lines in run.events.items()})


def _filled(value: Any, text: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, text, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, text, key) for each in value]
    if isinstance(value, str) and key not in _OURS and key not in _BY_NAME:
        return text
    return value
