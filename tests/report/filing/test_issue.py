"""The body for each upstream: its headings, its size, and that no text breaks it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from repro.document import redact_run
from repro.document.shape import ProofStatus
from repro.redaction import Redactor
from repro.report import template
from repro.report.filing import issue, upstream
from repro.report.filing.upstream import Upstream
from repro.report.fitting import LIMIT
from repro.reproduce.record import Reproduction
from tests.report.conftest import Run, event
from tests.report.hostile import TEXTS, with_text

NAMES = upstream.names()

PROGRAM = Reproduction(
    probe="ws.neon", file="ws_neon.py", install="python -m pip install websockets==16.0",
    command="DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME python ws_neon.py",
    settings=["DATABASE_URL"], target="the target is the one that the environment names",
    failure_before="a", failure_after="a", parts={}, kept=[], trials=7, stopped="",
    wanted=5, runs=5, failed=5,
    output="opened\nConnectionRefusedError", text="import websockets\nprint('```')\n",
)  # fmt: skip


class Structure(HTMLParser):
    """The headings, links and other tags of a page, and what stands outside code."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.outside_code: list[str] = []
        self._in_heading = False
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self._in_code += tag in {"code", "pre"}
        if re.fullmatch("h[1-6]", tag):
            self._in_heading = True
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in {"code", "pre"}
        if re.fullmatch("h[1-6]", tag):
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.headings[-1] += data
        if not self._in_code:
            self.outside_code.append(data)


def structure(text: str) -> Structure:
    found = Structure()
    found.feed(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))
    found.close()
    return found


def body(run: Run, target: Upstream, *made: Reproduction) -> str:
    return issue.render(run.document, run.events, target, None, made)


def written(heading: upstream.Heading, style: str) -> str:
    """How a heading stands in a body."""
    return {
        "form": f"### {heading.text}\n\n",
        "markdown": f"## {heading.text}\n\n",
        "bullets": f"* **{heading.text}**:",
        "bold": f"**{heading.text}**:",
    }[style]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["healthy", "origin", "mishaps"])
def test_each_upstream_gets_its_own_headings_in_its_order(
    name: str, kind: str, request: pytest.FixtureRequest
) -> None:
    target = upstream.load(name)
    text = body(request.getfixturevalue(kind), target)

    asked = [each for each in target.headings if each.text]
    places = [(text.find(f"\n{written(each, target.style)}"), each) for each in asked]
    begins = [text.startswith(written(each, target.style)) for each in asked]
    found = [place for (place, each), first in zip(places, begins, strict=True) if place >= 0 or first]
    assert found == sorted(found)
    for (place, heading), first in zip(places, begins, strict=True):
        assert place >= 0 or first or not (heading.required or target.style == "form"), heading.text
    if target.style in {"form", "markdown"}:
        plain = [re.sub("`", "", each.text) for each in asked]
        shown = structure(text).headings
        assert [each for each in plain if each in shown] == shown


@pytest.mark.parametrize("name", NAMES)
def test_the_sentence_and_what_the_run_cannot_know_are_left_to_the_person(name: str, origin: Run) -> None:
    text = body(origin, upstream.load(name))

    assert text.count(template.SUMMARY) == 1
    marks = re.findall(r"<!-- txrepro:(\w+)", text)
    assert set(marks) <= {"summary", "fill", "stop"}


def test_the_questions_of_asyncpg_are_a_list_with_answers(origin: Run) -> None:
    text = body(origin, upstream.load("asyncpg"))
    questions, _, rest = text.partition("\n\n<!-- txrepro:summary")

    assert "* **asyncpg version**: `0.31.0`\n* **PostgreSQL version**: `17.10`\n" in questions
    assert (
        "* **Python version**: `CPython 3.13.1`\n* **Platform**: `system Linux, machine x86_64" in questions
    )
    assert "* **Do you use pgbouncer?**: <!-- txrepro:fill yes or no: the run cannot tell -->" in questions
    assert questions.count("\n* **") + questions.startswith("* **") == 9
    assert "**The error**" in rest
    assert structure(text).tags.count("ul") == 1


def test_the_form_of_sqlalchemy_has_facts_and_no_sentence_of_ours(mishaps: Run) -> None:
    failing = next(each for each in mishaps.document["probes"] if each["name"] == "orm.sqlalchemy-psycopg")
    failing["versions"] = {"psycopg": "3.3.2", "psycopg implementation": "binary", "libpq loaded": "18.0"}

    text = body(mishaps, upstream.load("sqlalchemy"))

    assert f"### Describe the bug\n\n{template.SUMMARY}\n\n### Optional link" in text
    assert "### SQLAlchemy Version in Use\n\n`2.0.46`\n" in text
    assert "### DBAPI (i.e. the database driver)\n\n`psycopg 3.3.2 (binary, libpq 18.0)`\n" in text
    assert "### Database Vendor and Major Version\n\n`PostgreSQL 17.10`\n" in text
    assert "### To Reproduce\n\n<!-- txrepro:fill a complete program" in text
    assert "failed at" not in text


def test_a_program_that_failed_each_time_is_in_it(origin: Run) -> None:
    target = upstream.load("websockets")

    text = body(origin, target, PROGRAM)

    assert "````python\nimport websockets\nprint('```')\n````" in text
    assert "failed in the same way **5 of 5** times" in text
    assert "repro run" not in text
    assert "import websockets" not in body(origin, target, replace(PROGRAM, failed=4))


def test_half_a_program_is_never_shown(origin: Run) -> None:
    text = body(origin, upstream.load("websockets"), replace(PROGRAM, text="pass\n" * 10_000))
    assert "The program is attached: `ws_neon.py`." in text
    assert "pass\n" not in text


def test_what_passed_on_the_same_target_is_what_is_expected(origin: Run) -> None:
    text = body(origin, upstream.load("neon-serverless"))
    assert (
        "## Expected result\n\nThe same passes over `standard library 3.13.1`, `psycopg 3.3.2`,"
        " `asyncpg 0.31.0`, `sqlalchemy 2.0.46`, on the same target. They dialled `127.0.0.1:5433`."
    ) in text


@pytest.mark.parametrize(
    ("proof", "failed", "said"), [("confirmed", 0, True), ("untested", 3, False), ("refuted", 3, False)]
)
def test_what_it_passes_with_is_said_where_an_experiment_has_shown_it(
    origin: Run, proof: ProofStatus, failed: int, said: bool
) -> None:
    origin.document["findings"][0] |= {
        "proof": proof,
        "experiment": {
            "change": "port 5433",
            "baseline": {"runs": 3, "failed": 3},
            "changed": {"runs": 3, "failed": failed},
            "command": "repro run",
        },
    }

    assert ("It passes with port 5433." in body(origin, upstream.load("neon-serverless"))) is said


@pytest.mark.parametrize(
    ("parameters", "host", "kind", "answer"),
    [
        ({"pgbouncer": "true"}, "localhost", "env", "`yes: the URL says pgbouncer=true`"),
        ({}, "ep-a-1-pooler.eu.neon.tech", "env", "`yes: the host is a pooled one`"),
        ({}, "localhost", "lab", "`no`"),
        ({}, "localhost", "env", "<!-- txrepro:fill"),
    ],
)
def test_whether_there_is_a_pooler_as_far_as_the_run_knows(
    parameters: dict[str, str], host: str, kind: str, answer: str, origin: Run
) -> None:
    origin.document["target"] = {"kind": kind, "database": {"parameters": parameters}}
    for outcome in origin.document["probes"]:
        for endpoint in outcome["predicted"]:
            endpoint["host"] = host

    assert f"* **Do you use pgbouncer?**: {answer}" in body(origin, upstream.load("asyncpg"))


def test_a_poolers_finding_is_told_in_words(origin: Run) -> None:
    title = "Behind the pooler the name of a statement is another one's"
    origin.document["findings"][0].update({"cause": "pool-wrong-plan", "layer": "pooler", "title": title})

    assert f"* **Do you use pgbouncer?**: `yes: {title}`" in body(origin, upstream.load("asyncpg"))


def test_a_service_is_named_by_its_hosts(origin: Run) -> None:
    for outcome in origin.document["probes"]:
        for endpoint in outcome["predicted"]:
            endpoint["host"] = "[host:1a2b3c].eu.neon.tech"
    assert "install?**: `yes: Neon; a local install was not tried in this run`" in body(
        origin, upstream.load("asyncpg")
    )


def test_a_report_that_is_not_the_upstreams_affair_is_marked_at_its_head(origin: Run) -> None:
    text = body(origin, upstream.load("redis-py"))
    assert text.startswith(
        "<!-- txrepro:stop nothing that failed in this run is of redis-py: do not file this"
    )
    assert not body(origin, upstream.load("websockets")).startswith("<!-- txrepro:stop")


def test_packages_of_npm_are_told_with_facts_of_node(origin: Run) -> None:
    failing = origin.document["probes"][4]
    failing["name"] = "node.drizzle-pg"
    failing["driver"] = {"name": "drizzle-orm", "version": "0.45.4"}
    failing["versions"] = {"drizzle-orm": "0.45.4", "pg": "8.23.1", "node": "v22.1.0"}
    origin.document["findings"][0]["probes"] = ["node.drizzle-pg"]

    text = body(origin, upstream.load("drizzle-orm"))

    assert "### What version of `drizzle-orm` are you using?\n\n`0.45.4`\n" in text
    assert "- [ ] I have verified that the bug I'm about to report hasn't been filed before. <!--" in text
    assert "### Other packages\n\n`pg 8.23.1`, `node v22.1.0`\n" in text
    assert "- Node: `v22.1.0`\n" in text
    assert "- OpenSSL" not in text


def test_a_template_stands_in_the_place_of_the_headings(origin: Run) -> None:
    marks = "".join(f"<!-- txrepro:{name} -->\n" for name in ("form", "server", "error", "own"))
    form = f"# Mine\n\n{marks}"
    text = issue.render(origin.document, origin.events, upstream.load("websockets"), form)
    assert text.startswith("# Mine\n\n`17.10`\nError chain, outermost first:\n\n```text\n")
    assert text.endswith("<!-- txrepro:own -->\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes(name: str, mishaps: Run) -> None:
    target = upstream.load(name)
    again = Run(json.loads(json.dumps(mishaps.document)), json.loads(json.dumps(mishaps.events)))
    assert body(mishaps, target) == body(again, target)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["x" * 30_000, "| ` < & " * 5_000, "`" * 20_000, "\U0001f600" * 30_000])
def test_endless_text_does_not_make_an_endless_body(name: str, text: str, mishaps: Run) -> None:
    made = replace(
        PROGRAM, probe="tcp.psycopg", install=text, command=text, target=text, output=text, text=text
    )
    assert len(body(with_text(mishaps, text), upstream.load(name), made)) < LIMIT


def test_hundreds_of_facts_do_not_make_it_too_long(origin: Run) -> None:
    many: dict[str, Any] = {f"fact {n}": "`" * 500 for n in range(500)}
    origin.document["environment"] = many
    origin.document["target"] |= many

    text = body(origin, upstream.load("neon-serverless"))

    assert len(text) < LIMIT
    assert "Left out, for its length: see `run.json`." in text
    assert "## Actual result\n\n`http.neon` failed at `connect`" in text


@pytest.mark.parametrize("text", [name for name, each in TEXTS.items() if each.strip()])
@pytest.mark.parametrize("name", NAMES)
def test_no_text_changes_the_structure(name: str, text: str, mishaps: Run) -> None:
    target = upstream.load(name)
    harmless = structure(body(with_text(mishaps, "harmless words"), target))
    shown = body(with_text(mishaps, TEXTS[text]), target)
    hostile = structure(shown)

    assert hostile.headings == harmless.headings
    assert hostile.links == harmless.links
    kept = [tag for tag in hostile.tags if tag not in {"code", "br"}]
    assert kept == [tag for tag in harmless.tags if tag not in {"code", "br"}]
    words = " ".join(hostile.outside_code)
    assert re.search(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|evil\.invalid", words) is None
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown) is None
    assert shown.count(template.SUMMARY) == 1
    assert re.findall(r"<!-- txrepro:fill .*? -->", shown) == re.findall(
        r"<!-- txrepro:fill .*? -->", body(with_text(mishaps, "harmless words"), target)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_program_cannot_break_out_either(name: str, origin: Run) -> None:
    hostile = "\n".join(TEXTS.values())
    made = replace(PROGRAM, install=hostile, command=hostile, target=hostile, output=hostile, text=hostile)
    target = upstream.load(name)

    assert structure(body(origin, target, made)).headings == structure(body(origin, target, PROGRAM)).headings
    assert structure(body(origin, target, made)).links == structure(body(origin, target, PROGRAM)).links


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("secret", ['p@ss/w`ord"|<1>', "back`tick``s-and|bars", "söme longer päss%20word"])
def test_no_secret_is_in_a_body(name: str, secret: str, origin: Run) -> None:
    redactor = Redactor([secret], salt=b"salt")
    document, events = redact_run(
        with_text(origin, f"before {secret} after").document, origin.events, redactor
    )

    text = body(Run(document, events), upstream.load(name))

    assert secret not in text
    redactor.check(text.encode(), name)
    assert "[redacted:" in text


def test_the_failing_probe_has_its_trace_and_those_that_failed_alike_their_names(origin: Run) -> None:
    text = body(origin, upstream.load("websockets"))

    assert text.count("<details>") == 1
    assert "Alike, and in files of their own: `http.neon`." in text


def test_the_servers_version_is_that_of_the_login_where_no_probe_asked(mishaps: Run) -> None:
    for outcome in mishaps.document["probes"]:
        outcome["versions"] = {}
    told = event(1, "pg.msg") | {"pg.parameter": "server_version", "pg.parameter_value": "16.4"}
    mishaps.events["tcp.asyncpg"] = [told]

    assert "`16.4`" in body(mishaps, upstream.load("asyncpg"))
