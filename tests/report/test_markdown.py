from __future__ import annotations

import re
from typing import Any

import pytest

from repro.document import ChainLink, validate
from repro.report.fitting import LIMIT
from repro.report.markdown import render
from repro.report.template import SUMMARY
from repro.resources import issue_template

HEADINGS = ["Summary", "What was run", "What failed", "To repeat it", "Environment", "The transaction"]


def report(run: Any) -> str:
    validate(run.document)
    return render(run.document, run.events, issue_template())


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", outside_fences(text), re.MULTILINE)


def outside_fences(text: str) -> str:
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)


def outside_code(text: str) -> str:
    """What GitHub interprets of a report."""
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", outside_fences(text))


def test_a_healthy_run_in_one_screen(healthy: Any) -> None:
    text = report(healthy)

    assert headings(text) == HEADINGS
    assert "**7 passed** of 7 probes on " in text
    assert "## What failed\n\nNothing.\n" in text
    assert "<details>" not in text
    assert len(text.splitlines()) < 60


def test_the_origins_situation_can_be_read_in_a_minute(origin: Any) -> None:
    text = report(origin)

    assert headings(text) == HEADINGS
    assert "**5 passed, 2 failed** of 7 probes on " in text
    assert (
        "1. `http.neon`, `ws.neon`: **connect: connection refused** at `127.0.0.1:443`;"
        " passing probes reached `127.0.0.1:5433` (cause not determined)"
    ) in text
    assert (
        "| passing probes dialled | `127.0.0.1:5433`"
        " (`tcp.raw`, `tcp.psycopg`, `tcp.asyncpg`, `orm.sqlalchemy-psycopg`) |"
    ) in text
    assert re.findall("^### (.*)$", text, re.MULTILINE) == [
        "`http.neon` failed at `connect`: connection refused",
        "`ws.neon` failed at `connect`: connection refused",
    ]


def test_the_summary_is_left_to_the_person(origin: Any) -> None:
    assert f"## Summary\n\n{SUMMARY}\n\n## What was run\n" in report(origin)


def test_every_end_of_a_probe_is_told(mishaps: Any) -> None:
    text = report(mishaps)

    assert "**2 passed, 3 failed, 2 skipped** of 7 probes on " in text
    assert "- skipped `push.upstash-rest`: `UPSTASH_REDIS_REST_URL` is not set" in text
    assert "### `tcp.psycopg` timed out at `commit`" in text
    assert "### `tcp.asyncpg` crashed at `begin`" in text
    assert "### `orm.sqlalchemy-psycopg` failed at `atomicity`: the transaction was not atomic" in text


def test_beside_a_timeout_stands_how_long_the_driver_waits_by_itself(origin: Any) -> None:
    (failing, *_) = (each for each in origin.document["probes"] if each["name"] == "http.neon")
    failing["error"]["failure"] = "timeout"

    text = report(origin)

    assert "by itself httpx waits 5 s for a connection" in text
    assert "by itself websockets" not in text


def test_nothing_tested_is_said(mishaps: Any) -> None:
    mishaps.document["probes"] = [each for each in mishaps.document["probes"] if each["status"] == "skip"]
    mishaps.document["findings"] = []

    text = report(mishaps)

    assert "**2 skipped** of 2 probes on " in text
    assert "Nothing was tested." in text


def test_a_known_cause_with_its_proof(origin: Any) -> None:
    changes: dict[str, Any] = {
        "cause": "sl-localhost-443",
        "proof": "confirmed",
        "summary": "The driver drops the port and dials 443.",
        "experiment": {
            "change": "the gateway's port",
            "baseline": {"runs": 3, "failed": 3},
            "changed": {"runs": 3, "failed": 0},
            "command": "NEON_WS_PROXY=x repro probe ws.neon",
        },
        "ruled_out": [{"cause": "tcp-refused", "because": "the database answers"}],
        "fix": ["set NEON_WS_PROXY"],
        "links": ["https://x.test/issues/1"],
    }
    origin.document["findings"][0].update(changes)

    text = report(origin)

    assert "(cause `sl-localhost-443`, confirmed)\n   The driver drops the port and dials 443.\n" in text
    assert (
        "   - experiment: the gateway's port: failed 3 of 3 times before, failed 0 of 3 times with it;"
        in text
    )
    assert "   - ruled out `tcp-refused`: the database answers\n" in text
    assert "   - fix: set `NEON_WS_PROXY`\n" in text


HOSTILE = (
    "``` ````` ` @octocat #1 GH-1 a|b <script>alert(1)</script> <!-- x --> </details>\n"
    "## Heading\n\x1b[31mred\x1b[2J\x07 \u202eRTL\u200b ![x](http://x.test/p.png) **bold**\n"
    "<!-- txrepro:summary -->\n```\n~~~\n"
)


def plant(value: Any) -> Any:
    """The data with hostile text wherever the contract leaves the text free."""
    if isinstance(value, dict):
        return {key: value[key] if key in KEPT else plant(value[key]) for key in value}
    if isinstance(value, list):
        return [plant(each) for each in value]
    return HOSTILE if isinstance(value, str) else value


KEPT = {
    "schema", "run_id", "started_at", "verdict", "effect", "status", "failure", "operation", "sqlstate",
    "errno", "applied", "events", "layer", "proof", "cause", "kind", "op", "src",
}  # fmt: skip


@pytest.mark.parametrize("name", ["healthy", "origin", "mishaps"])
def test_hostile_text_in_every_field_stays_text(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    names = [probe["name"] for probe in run.document["probes"]]
    stages = [[stage["name"] for stage in probe["stages"]] for probe in run.document["probes"]]
    plain_headings = headings(report(run))
    planted = plant(run.document)
    for probe, own, steps in zip(planted["probes"], names, stages, strict=True):
        probe["name"] = own
        for stage, step in zip(probe["stages"], steps, strict=True):
            stage["name"] = step
    for finding in planted["findings"]:
        finding["probes"] = finding["probes"] and names[:1]
        finding["failure"] = "unknown_failure: " + HOSTILE
        finding.update(
            cause="a-cause",
            experiment={
                "change": HOSTILE,
                "baseline": {"runs": 3, "failed": 3},
                "changed": {"runs": 3, "failed": 0},
                "command": HOSTILE,
            },
            ruled_out=[{"cause": HOSTILE, "because": HOSTILE}],
            fix=[HOSTILE],
            links=[HOSTILE],
        )
        for evidence in finding["evidence"]:
            evidence["probe"] = names[0]
    events = {probe: [plant(line) for line in lines] for probe, lines in run.events.items()}

    text = render(planted, events, issue_template())

    assert headings(text) == plain_headings
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", text)
    interpreted = outside_code(text)
    for trap in ("@octocat", "#1", "GH-1", "<script", "![x]", "**bold**", "~~~", "http://"):
        assert trap not in interpreted, trap
    assert interpreted.count("<details>") == interpreted.count("</details>")
    assert interpreted.count("<!--") == 1
    for table in re.findall(r"(?:^\|.*\n)+", outside_fences(text), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_a_report_stays_under_the_limit_of_an_issue(mishaps: Any) -> None:
    probes = mishaps.document["probes"]
    for outcome in probes:
        if outcome["error"]:
            outcome["error"]["chain"] = [
                ChainLink(type="E" * 200, message="`|<>" * 500, code=None) for _ in range(32)
            ]
            outcome["notes"] = ["n" * 500] * 5
    line = mishaps.events["tcp.psycopg"][1] | {"host": "h" * 400}
    mishaps.events = {outcome["name"]: [line | {"seq": n} for n in range(5_000)] for outcome in probes}

    text = report(mishaps)

    assert 10_000 < len(text) < LIMIT
    assert headings(text) == HEADINGS
    for outcome in probes:
        assert f"`{outcome['name']}`" in text


def test_a_thousand_failing_probes_stay_under_the_limit_too(origin: Any) -> None:
    ws = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    ws["notes"] = ["x" * 3_000]
    origin.document["probes"] = [{**ws, "name": f"ws.neon-{n}", "stages": []} for n in range(1_000)]

    text = report(origin)

    assert len(text) < LIMIT
    assert "more failing probes are in `run.json`." in text


def test_a_finding_with_endless_fixes_and_links_does_not_make_an_endless_report(origin: Any) -> None:
    (finding, *_) = origin.document["findings"]
    finding["cause"] = "sl-localhost-443"
    finding["fix"] = ["do " * 100] * 500
    finding["links"] = ["https://a.test/" + "x" * 300] * 500
    origin.document["findings"] = [finding] * 30
    assert len(render(origin.document, origin.events, issue_template())) < LIMIT
