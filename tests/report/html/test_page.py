"""The page as a whole: its order, its links, its bounds, and that no text of others becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import pytest

from repro.report.html import LIMIT, render
from tests.report.html.reading import Page
from tests.reproduce.test_record import MADE

HOSTILE = (
    "</script></style></title><script>alert(1)</script><img src=x onerror=alert(1)> \" onfocus='x' "
    "--> ]]> &lt; javascript:alert(1) \x1b[31m\x00\u202e\u2066 `x` {{7*7}} \ud800"
)


def page(run: Any, *reproductions: Any) -> Page:
    return Page(render(run.document, run.events, reproductions))


def poisoned(value: Any) -> Any:
    """Every text of some data with something hostile before and after it."""
    if isinstance(value, str):
        return f"{HOSTILE}{value}{HOSTILE}"
    if isinstance(value, dict):
        return {key: poisoned(each) for key, each in value.items()}
    return [poisoned(each) for each in value] if isinstance(value, list) else value


def test_the_verdict_comes_first_then_the_findings_then_the_rest(origin: Any) -> None:
    found = page(origin, replace(MADE, probe="ws.neon"))

    assert found.all("h1")[0].text == "✕ Fail 2 of 7 probes failed on the user's own target"
    assert [each.text for each in found.all("h2")] == [
        "Findings", "Matrix", "Waterfall", "Failing probes", "Traces", "Reproductions", "To repeat it",
        "The transaction", "Target", "Environment",
    ]  # fmt: skip
    assert found.all("title")[0].text.startswith("Fail: 2 of 7 probes failed")


def test_a_passing_run_says_so_and_has_no_empty_section(healthy: Any) -> None:
    found = page(healthy)

    assert found.all("h1")[0].text == "✓ Pass All 7 probes passed on the lab"
    assert [each.text for each in found.all("h2")] == [
        "Matrix", "Waterfall", "Traces", "To repeat it", "The transaction", "Target", "Environment",
    ]  # fmt: skip


def test_a_run_in_which_nothing_was_tested(healthy: Any) -> None:
    for outcome in healthy.document["probes"]:
        outcome |= {"status": "skip", "reason": "DATABASE_URL is not set", "stages": []}
    healthy.document["verdict"] = "inconclusive"

    found = page(healthy)

    assert found.all("h1")[0].text == "? Inconclusive Nothing was tested on the lab"
    assert "7 probes skipped" in found.shown()
    assert "DATABASE_URL is not set" in found.shown()


def test_every_link_leads_to_a_place_on_the_page(origin: Any, mishaps: Any, healthy: Any) -> None:
    for run in (origin, mishaps, healthy):
        found = page(run)

        assert set(found.links()) <= found.ids


def test_the_same_run_gives_the_same_bytes(origin: Any) -> None:
    assert render(origin.document, origin.events) == render(
        deepcopy(origin.document), deepcopy(origin.events)
    )


def test_it_loads_nothing(origin: Any) -> None:
    found = page(origin, MADE)

    assert not [each for each in found.elements if "src" in each.attributes]
    assert [each.get("href") for each in found.all("link")] == ["data:,"]
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttpRequest|import\(", render(origin.document, origin.events)
    )
    outward = [each for each in found.all("a") if not each.get("href").startswith("#")]
    assert all(each.get("href").startswith("https://") for each in outward)
    assert all(each.get("rel") == "noopener noreferrer" for each in outward)


def test_only_its_own_script_and_style_may_run(origin: Any) -> None:
    source = render(origin.document, origin.events)
    (policy,) = [each.get("content") for each in Page(source).all("meta") if each.get("http-equiv")]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    assert set(rules) == {
        "default-src", "img-src", "style-src", "style-src-elem", "style-src-attr", "script-src", "base-uri",
        "form-action",
    }  # fmt: skip
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert rules["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src-elem")):
        body = source.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
        assert source.count(f"<{tag}") == 1


def test_no_text_of_others_becomes_markup(origin: Any, mishaps: Any) -> None:
    for run in (origin, mishaps):
        for place in ("environment", "target", "findings", "transaction", "tool", "run_id", "started_at"):
            run.document[place] = poisoned(run.document[place])
        for outcome in run.document["probes"]:
            for place in ("driver", "predicted", "reason", "error", "atomicity", "versions", "notes", "log"):
                if outcome.get(place) is not None:
                    outcome[place] = poisoned(outcome[place])
            for place in ("name", "events"):
                if outcome[place] is not None:
                    outcome[place] += HOSTILE
        run.document["environment"][HOSTILE] = HOSTILE
        run.document["target"][HOSTILE] = {HOSTILE: HOSTILE}
        events = {name + HOSTILE: [poisoned(line) for line in lines] for name, lines in run.events.items()}
        for name, lines in events.items():
            for line, own in zip(lines, run.events[name.removesuffix(HOSTILE)], strict=True):
                line |= {"op": own["op"], HOSTILE: HOSTILE}
        texts = ("probe", "file", "install", "command", "target", "output", "text")
        hostile = replace(MADE, **cast("Any", dict.fromkeys(texts, HOSTILE)))

        source = render(run.document, events, [hostile])
        found = Page(source)  # it knows no element and no attribute but ours

        assert set(found.links()) <= found.ids
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\ud800-\udfff]", source)
        assert "\\u202e" in source
        assert len(found.all("script")) == 1
        assert not [each for each in found.all("a") if "javascript:" in each.get("href")]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,x", "//example.test/x", "https://a b", "file:///etc/passwd",
        "https://x.test/\n", 'https://x.test/"onclick=alert(1)//', "",
    ],
)  # fmt: skip
def test_only_a_plain_web_address_is_a_link(origin: Any, address: str) -> None:
    origin.document["findings"][0]["links"] = [address]

    outward = [each.get("href") for each in page(origin).all("a") if not each.get("href").startswith("#")]

    assert outward in ([], [address])
    assert all(each.startswith("https://x.test/") for each in outward)


def long_trace(length: int) -> list[dict[str, Any]]:
    common = {
        "src": "hook",
        "op": "pg.msg",
        "conn": 1,
        "pid": 1,
        "peer": None,
        "failure": None,
        "errno": None,
    }
    return [
        {"seq": seq, "t0": seq / 1000, "t": seq / 1000, **common, "sender": "client", "pg.name": "x" * 300}
        for seq in range(1, length + 1)
    ]


def test_a_hundred_thousand_events_stay_within_the_bounds_and_what_is_left_out_is_said(origin: Any) -> None:
    lines = long_trace(20_000)
    origin.events |= dict.fromkeys(list(origin.events)[:5], lines)

    source = render(origin.document, origin.events)

    assert len(source.encode()) < LIMIT
    assert "19,900 more in trace/" in Page(source).shown()


def test_a_thousand_failing_probes_with_endless_texts_stay_within_the_bounds(origin: Any) -> None:
    one = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    one["error"]["chain"] = [{"type": "E" * 9_000, "message": "<" * 90_000, "code": None}] * 300
    one["log"] = ["&" * 5_000] * 400
    one["notes"] = ["é" * 50_000] * 50
    origin.document["probes"] = [{**one, "name": f"ws.{number}"} for number in range(1_000)]
    finding = origin.document["findings"][0]
    finding["evidence"] = [{"probe": "ws.1", "seq": 1, "text": "x" * 9_000}] * 2_000
    origin.document["findings"] = [finding] * 200
    endless = {f"k{number}": ['"' * 5_000] * 500 for number in range(100)}
    origin.document["environment"] = {**endless, "command": "x" * 3_000_000}
    origin.document["target"] = {"kind": "env", **endless}
    origin.document["transaction"]["statements"] = ["&" * 100_000] * 200

    source = render(origin.document, origin.events)

    assert len(source.encode()) < LIMIT
    assert "more failing probes are in run.json" in Page(source).shown()
