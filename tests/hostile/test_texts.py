"""Texts that are code, in every place where a server can put one: no reader of a run takes them for code."""

from __future__ import annotations

import json
import re
import struct
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path

import pytest

from repro.lab.faults.servers import serving
from tests.hostile import servers
from tests.hostile.conftest import TARGET, Ran, Run, carried_out
from tests.report.html.reading import Page
from tests.report.test_hostile import structure

ONE_LINE = (
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07 \x9b31m \u202edrawkcab \u2066 "
    "</details></summary></code></pre><script>alert(1)</script><img src=x onerror=alert(1)> <!-- --> ]]> "
    "``` ~~~ | a | b | @torvalds @org/team #1 GH-2 [a](https://evil.invalid) ![b](//evil.invalid/x) "
    "https://evil.invalid <https://evil.invalid> ::error::x ##[error]y $(touch evil) %0A::error::z"
)
TEXT = (
    f"{ONE_LINE}\n```\n# heading\n| a | b |\n|---|---|\n| c | d |\n\n"
    "::error::x\n::add-mask::y\n##[group]z\r\n- list"
)

MOVES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, and what turns text round."""

OURS_OF_GITHUB = re.compile(r"::(?:error|warning|notice) title=[^:]*::[^\r\n]*")

PROBES = "tcp.raw,tcp.psycopg,tcp.asyncpg,orm.sqlalchemy-psycopg,http.neon,ws.neon,push.*"

AS_HEADER = TEXT.replace("\r", " ").replace("\n", " ")
REDIS_ERROR = b"-ERR " + AS_HEADER.encode() + b"\r\n"
WEB_ERROR = json.dumps({"message": TEXT, "error": TEXT, "code": TEXT, "detail": TEXT, "hint": TEXT}).encode()


def refusing(run_against: Run) -> Ran:
    """Servers that refuse the login, the upgrade and the request."""
    return run_against(
        only=PROBES,
        deadline_s=20,
        database=servers.refusing(TEXT),
        fetch=servers.http(f"500 {AS_HEADER}", f"Server: {AS_HEADER}\r\nX: {AS_HEADER}\r\n", WEB_ERROR),
        websocket=servers.http(f"403 {AS_HEADER}", f"Server: {AS_HEADER}\r\n", TEXT.encode()),
        redis=servers.redis(REDIS_ERROR),
        rest=servers.http(f"400 {AS_HEADER}", f"Server: {AS_HEADER}\r\n", WEB_ERROR),
    )


def answering(run_against: Run) -> Ran:
    """Servers that let everybody in, with hostile greetings, and refuse every statement."""
    error = servers.message(b"E", servers.fields_of_an_error(TEXT)) + servers.READY
    bulk = TEXT.encode()
    return run_against(
        only=PROBES,
        deadline_s=20,
        database=servers.answering_with(error, welcome=servers.greeting(TEXT)),
        fetch=servers.http("200 OK", "Content-Type: application/json\r\n", WEB_ERROR),
        websocket=servers.websocket(servers.frame(8, struct.pack("!H", 1008) + ONE_LINE.encode()[:120])),
        redis=servers.redis(b"$%d\r\n%b\r\n" % (len(bulk), bulk)),
        rest=servers.http("200 OK", "Content-Type: text/html\r\n", f"<html>{TEXT}".encode()),
    )


@pytest.fixture(scope="module", params=[refusing, answering], ids=["refusing", "answering"])
def ran(request: pytest.FixtureRequest, run_against: Run) -> Ran:
    done: Ran = request.param(run_against)
    assert done.code == 1, done.errors
    return done


def printed(ran: Ran, *arguments: str) -> str:
    """What another command says of the run."""
    done = carried_out(ran.folder, {}, *arguments)
    assert done.code == 0, done.errors
    assert MOVES.search(done.errors) is None
    return done.output


def is_harmless(markdown: str) -> None:
    """As GitHub's own parser reads it."""
    found = structure(markdown)
    assert [link for link in found.links if "evil" in link] == []
    assert set(found.tags) & {"script", "img", "iframe", "style", "form"} == set()
    words = " ".join(found.outside_code)
    assert re.search(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|evil\.invalid", words) is None
    assert MOVES.search(markdown) is None


def test_the_texts_came_through(ran: Ran) -> None:
    assert len(ran.failures) == 8
    said = [
        each["error"]["message"] for each in ran.document["probes"] if "alert(1)" in json.dumps(each["error"])
    ]
    assert len(said) >= 4


def test_each_failing_probe_is_in_a_finding(ran: Ran) -> None:
    found = {name for finding in ran.document["findings"] for name in finding["probes"]}

    assert found == set(ran.failures)
    assert "Traceback" not in ran.errors


def test_the_terminal_obeys_nothing(ran: Ran) -> None:
    assert MOVES.search(ran.errors) is None
    assert MOVES.search(ran.output) is None


def test_githubs_runner_obeys_our_commands_only(ran: Ran) -> None:
    commands = [line for line in ran.errors.splitlines() if re.match(r"\s*(::[\w-]+[ :]|##\[)", line)]

    assert commands
    assert [line for line in commands if not OURS_OF_GITHUB.fullmatch(line)] == []


def test_the_step_summary_is_harmless(ran: Ran) -> None:
    is_harmless((ran.folder / "summary.md").read_text("utf-8"))


def test_the_report_is_harmless(ran: Ran) -> None:
    is_harmless((ran.run / "report.md").read_text("utf-8"))


def test_an_upstreams_issue_is_harmless(ran: Ran) -> None:
    is_harmless(printed(ran, "report", "latest", "--for", "psycopg"))


def test_the_page_is_harmless(ran: Ran) -> None:
    source = (ran.run / "report.html").read_text("utf-8")

    page = Page(source)

    assert len(page.all("script")) == 1
    assert [each for each in page.all("a") if "evil" in each.get("href")] == []
    assert escape("<script>alert(1)</script>") in source
    assert MOVES.search(source) is None


def test_junits_document_is_whole(ran: Ran) -> None:
    written = printed(ran, "report", "latest", "--format", "junit")

    assert MOVES.search(written) is None
    assert len(list(ET.fromstring(written).iter("testcase"))) == 8


def test_every_line_of_every_trace_is_one(ran: Ran) -> None:
    for trace in (ran.run / "trace").iterdir():
        lines = trace.read_text("utf-8")
        assert all(json.loads(line)["op"] for line in lines.split("\n")[:-1])


@pytest.mark.parametrize("probe", ["tcp.psycopg", "push.redis-tcp"])
def test_a_live_probe_moves_no_cursor(probe: str, tmp_path: Path) -> None:
    with serving(servers.refusing(TEXT)) as database, serving(servers.redis(REDIS_ERROR)) as redis:
        ports = {"database": database, "redis": redis, "fetch": 1, "websocket": 1, "rest": 1}
        variables = {name: value.format(**ports) for name, value in TARGET.items()}
        done = carried_out(tmp_path, variables, "probe", probe, "--messages")
        as_json = carried_out(tmp_path, variables, "probe", probe, "--json")

    for each in (done, as_json):
        assert each.code == 1, each.errors
        assert "alert(1)" in each.output + each.errors
        assert MOVES.search(each.output + each.errors) is None
