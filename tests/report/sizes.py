"""Runs of any size: as many probes, findings, events and facts as wanted, each text as long as wanted."""

from __future__ import annotations

import copy
from typing import Any

from tests.report.conftest import Run
from tests.report.hostile import everywhere


def of_size(run: Run, text: str, *, probes: int, findings: int, events: int, items: int) -> Run:
    """The run with this text in every free field, and so much of everything.

    Args:
        run: what it is made of.
        text: any; it need not be short.
        probes: how many, of the kinds that the run has.
        findings: how many.
        events: lines of each trace.
        items: how long each list is: facts, notes, links of a chain, fixes, statements.
    """
    full = everywhere(run, text)
    document: Any = full.document
    some = [line for lines in full.events.values() for line in lines][:2]
    document["probes"] = [
        _probe(document["probes"][place % len(document["probes"])], f"p{place}", text, items)
        for place in range(probes)
    ]
    names = [each["name"] for each in document["probes"]]
    document["findings"] = [
        _finding(document["findings"][place % len(document["findings"])], names, text, items)
        for place in range(findings)
    ]
    for facts in (document["environment"], document["target"]):
        facts.update({f"key {place} {text[:200]}": [text] * 3 for place in range(items)})
    document["environment"]["command"] = f"repro run {text}"
    document["target"]["sources"] = [text] * items
    document["transaction"]["statements"] = [text] * items
    return Run(document, dict.fromkeys(names, some * (events // 2)) if events else {})


def _probe(probe: Any, name: str, text: str, items: int) -> Any:
    found = copy.deepcopy(probe)
    found |= {"name": name.ljust(100, "x"), "events": f"trace/{name}.jsonl", "log": [text] * items}
    found |= {"notes": [f"left behind {text}"] * items, "predicted": found["predicted"] * items}
    found["versions"] = {f"{place} {text[:100]}": text for place in range(items)}
    found["atomicity"] |= {"backends": [10**9] * items, "xids": [text] * items}
    if found["status"] == "skip":
        found["reason"] = f"{name} {text}"
    if found["error"] is not None:
        found["error"]["chain"] = [{"type": text, "message": text, "code": text}] * items
    return found


def _finding(finding: Any, names: list[str], text: str, items: int) -> Any:
    return {
        **finding,
        "probes": names,
        "title": text,
        "summary": text,
        "fix": [text] * items,
        "links": [text] * items,
        "ruled_out": [{"cause": text, "because": text}] * items,
        "evidence": [{"probe": name, "seq": 1, "text": text} for name in names[:items]],
    }
