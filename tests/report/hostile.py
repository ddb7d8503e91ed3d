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


MOST_OF_A_NAME = 90
"""Characters of a probe's name, which the schema bounds."""


def everywhere(run: Run, text: str) -> Run:
    """The run with this text in every field that a schema leaves free: names, keys, a full finding.

    What finds each other by a name still does.
    """
    names = {
        probe["name"]: f"{place}{text[:MOST_OF_A_NAME]}" for place, probe in enumerate(run.document["probes"])
    }
    document: Any = _renamed(_filled(run.document, text), names, text)
    for facts in (document["environment"], document["target"]):
        facts.update({f"key {text}": text, "list": [text, {text: text}], "map": {f"deep {text}": [text]}})
    for probe in document["probes"]:
        probe["versions"] = {**probe.get("versions", {}), f"name {text}": text, "server": text}
        probe["notes"] = [text, text]
        for stage in probe["stages"]:
            stage["detail"] = {f"detail {text}": text, "host": text}
        if probe["error"] is not None:
            probe["error"]["chain"] = [{"type": text, "message": text, "code": text}] * 3
    document["findings"] = [_full(each, text) for each in document["findings"]]
    events = {
        names[name]: [{**_renamed(_filled(line, text), names, text), f"x {text}": [text]} for line in lines]
        for name, lines in run.events.items()
    }
    return Run(document, events)


def _renamed(value: Any, names: dict[str, str], text: str, key: str = "") -> Any:
    """The names replaced wherever they stand, and the text where more than a vocabulary's word may stand."""
    if isinstance(value, dict):
        return {name: _renamed(each, names, text, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names, text, key) for each in value]
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, str) and key == "failure":
        return f"unknown_failure: {text}"
    if isinstance(value, str) and key in {"errno", "sqlstate", "address"}:
        return text
    return value


def _full(finding: Any, text: str) -> Any:
    """A finding in which nothing is left out."""
    counts = {"runs": 3, "failed": 3}
    return {
        **finding,
        "cause": text or None,
        "evidence": [{"probe": probe, "seq": 1, "text": text} for probe in finding["probes"]],
        "experiment": {"change": text, "baseline": counts, "changed": counts, "command": text},
        "ruled_out": [{"cause": text, "because": text}],
        "fix": [text, text],
        "links": [text, f"https://example.com/{text}"],
    }
