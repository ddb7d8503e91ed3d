"""Links and guidance for the person who files: where they lead, and what is never in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from repro.document import redact_run
from repro.redaction import Redactor
from repro.report.filing import guidance, issue, known, links, subject, upstream
from repro.report.filing.subject import Subject
from repro.report.filing.upstream import Heading, Upstream
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, with_text

NAMES = upstream.names()


def told(run: Run, target: Upstream) -> Subject:
    return subject.of(run.document, run.events, target, ())


def says(run: Run, message: str) -> Subject:
    """What is told of a run whose deepest error says this."""
    for outcome in run.document["probes"]:
        if outcome["error"] is not None:
            outcome["error"]["chain"][-1]["message"] = message
    return told(run, upstream.load("websockets"))


def guided(run: Run, name: str) -> list[str]:
    target = upstream.load(name)
    return guidance.lines(run.document, run.events, target, issue.render(run.document, run.events, target))


def query(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("connect ECONNREFUSED 127.0.0.1:443", "connect ECONNREFUSED"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 443)", "Connect call failed"),
        (
            'FATAL: password authentication failed for role "al"',
            "FATAL password authentication failed for role",
        ),
        ("getaddrinfo ENOTFOUND db.corp.example.com", "getaddrinfo ENOTFOUND"),
        ("NOPERM User alice has no permissions", "NOPERM User has no permissions"),
        ("could not reach host dbprod now", "could not reach host now"),
        ("42P05 statement __asyncpg_stmt_1__ already exists", "42P05 statement already exists"),
        ("Failed at [host:1a2b3c].neon.tech with [redacted:1a2b3c]", "Failed at with"),
        ("server closed the connection unexpectedly", "server closed the connection unexpectedly"),
        ("5432 45739 10.0.0.7", "connection refused"),
    ],
)
def test_a_search_has_the_words_of_the_error_and_no_names(message: str, words: str, origin: Run) -> None:
    assert links.search_words(says(origin, message)) == words


def test_a_host_of_one_word_is_no_word_of_the_error(origin: Run) -> None:
    for outcome in origin.document["probes"]:
        for endpoint in outcome["predicted"]:
            endpoint["host"] = "dbprod"
    assert links.search_words(says(origin, "getaddrinfo ENOTFOUND dbprod")) == "getaddrinfo ENOTFOUND"


def test_a_search_is_short(origin: Run) -> None:
    assert 0 < len(links.search_words(says(origin, "word " * 10_000))) <= links.MOST_OF_A_SEARCH


def test_it_is_searched_where_the_upstream_takes_reports(origin: Run) -> None:
    assert links.search(told(origin, upstream.load("websockets"))) == (
        "https://github.com/python-websockets/websockets/issues?q=is%3Aissue+Connection+refused"
    )
    assert links.search(told(origin, upstream.load("httpx"))).startswith(
        "https://github.com/encode/httpx/discussions?discussions_q=Connect+call+failed"
    )


def test_a_new_issue_has_the_template_and_a_title_of_facts(origin: Run) -> None:
    link = links.new(told(origin, upstream.load("websockets")))

    assert link.startswith("https://github.com/python-websockets/websockets/issues/new?")
    assert query(link) == {
        "template": "issue.md",
        "title": "websockets 16.0: connect: connection refused",
    }


def test_the_title_begins_as_the_upstream_wants_it(origin: Run) -> None:
    link = links.new(told(origin, upstream.load("drizzle-orm")))
    assert query(link)["title"].startswith("[BUG]: ")
    assert query(link)["labels"] == "bug"
    assert query(link)["template"] == "bug-template.yaml"


def test_a_discussion_is_begun_where_that_is_the_channel(origin: Run) -> None:
    sqlalchemy = links.new(told(origin, upstream.load("sqlalchemy")))
    assert sqlalchemy.startswith(
        "https://github.com/sqlalchemy/sqlalchemy/discussions/new?category=Usage-Questions"
    )
    assert links.new(told(origin, upstream.load("httpx"))) == (
        "https://github.com/encode/httpx/discussions/new/choose"
    )


def test_where_nothing_is_taken_there_is_no_link(origin: Run) -> None:
    assert links.new(told(origin, upstream.load("vercel-storage"))) == ""


def test_fields_of_a_form_are_filled_by_their_ids(mishaps: Run) -> None:
    target = replace(upstream.load("sqlalchemy"), channel="issue")
    assert {
        name: text for name, text in query(links.new(told(mishaps, target))).items() if name != "title"
    } == {
        "template": "bug_report.yaml",
        "sqlalchemy_version": "2.0.46",
        "database_version": "PostgreSQL 17.10",
        "python_version": "CPython 3.13.1",
        "os": "Linux",
    }


def test_a_link_that_is_too_long_keeps_the_least(origin: Run) -> None:
    target = upstream.load("websockets")
    heading = Heading(text="x", slots=("platform",))
    found = []
    for count in range(1, 200):
        many = tuple(replace(heading, field=f"field_{n:03}") for n in range(count))
        found.append(links.new(told(origin, replace(target, headings=many))))

    assert links.MOST_BYTES - 200 < max(map(len, found)) < links.MOST_BYTES
    assert query(found[0])["field_000"] == "system Linux machine libc glibc 2.39"
    assert query(found[-1]) == {"template": "issue.md"}


def test_without_anything_least_it_is_the_plain_link(origin: Run) -> None:
    heading = Heading(text="x", slots=("platform",))
    many = tuple(replace(heading, field=f"field_{n:03}") for n in range(200))
    target = replace(upstream.load("psycopg"), headings=many)
    assert links.new(told(origin, target)) == "https://github.com/psycopg/psycopg/issues/new"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [*TEXTS, "endless"])
def test_no_text_leads_a_link_elsewhere(name: str, text: str, mishaps: Run) -> None:
    hostile = TEXTS.get(text, "word-" * 20_000)
    run = with_text(mishaps, hostile)
    target = upstream.load(name)

    for link in filter(None, (links.search(told(run, target)), links.new(told(run, target)))):
        parts = urlsplit(link)
        assert parts[:2] == ("https", "github.com")
        assert parts.path.startswith(f"/{target.repository}/")
        assert not parts.fragment
        assert "evil" not in link
        assert len(link.encode()) < links.MOST_BYTES
        assert link.isascii()
        assert " " not in link


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_and_no_host_is_in_what_a_person_is_told(name: str, mishaps: Run) -> None:
    secret, host = 'p@ss/w"ord|<1>', "db-7.corp.example.com"
    run = with_text(mishaps, f'connect to {host}:5432 failed, password {secret}, "{host}"')
    document, events = redact_run(run.document, run.events, Redactor([secret], salt=b"salt"))

    text = "\n".join(guided(Run(document, events), name))

    assert secret not in text
    assert host not in text
    assert "corp" not in text


def cause_of(run: Run, cause: str, layer: Any, probes: list[str]) -> None:
    run.document["findings"][0].update({"cause": cause, "layer": layer, "probes": probes})


def test_the_search_comes_before_the_new_thread(origin: Run) -> None:
    origin.document["findings"][0]["probes"] = ["ws.neon"]
    origin.document["probes"] = [each for each in origin.document["probes"] if each["name"] != "http.neon"]

    lines = guided(origin, "websockets")

    assert lines[0] == (
        "channel: issue at python-websockets/websockets:"
        " issues go through its one template; blank ones are off"
    )
    assert lines[1].startswith("search first: https://github.com/python-websockets/websockets/issues?q=")
    assert lines[2].startswith("then begin one, and paste the file: https://github.com/python-websockets/")
    assert "to fill in: the sentence that says what is wrong, in your own words" in lines


def test_of_an_upstream_whose_package_never_ran_nothing_is_filed_yet(origin: Run) -> None:
    cause_of(origin, "ws-async-crash", "websocket", ["ws.neon"])

    lines = guided(origin, "neon-serverless")

    assert lines[0] == (
        "None of its packages failed here, only probes that speak its protocol: repeat it with"
        " `repro run --node`; then file it"
    )
    assert "issues/new" not in "\n".join(lines)
    text = issue.render(origin.document, origin.events, upstream.load("neon-serverless"))
    assert text.startswith("<!-- txrepro:stop None of its packages failed here")


@pytest.mark.parametrize(("name", "offered"), [("neon-serverless", False), ("websockets", True)])
def test_a_program_is_asked_for_only_where_the_report_would_take_it(
    name: str, offered: bool, origin: Run
) -> None:
    cause_of(origin, "ws-async-crash", "websocket", ["ws.neon"])
    if name == "websockets":
        origin.document["probes"] = [e for e in origin.document["probes"] if e["name"] != "http.neon"]

    assert ("no program yet" in "\n".join(guided(origin, name))) is offered


def test_what_is_known_is_linked_and_nothing_new_is_begun(origin: Run) -> None:
    cause_of(origin, "sl-localhost-443", "serverless-http", ["http.neon", "ws.neon"])

    text = "\n".join(guided(origin, "neon-serverless"))

    assert (
        "known: a local Postgres is reached through a proxy for WebSockets only: https://github.com/" in text
    )
    assert "no new one is wanted" in text
    assert "issues/new" not in text


def test_what_may_be_a_vulnerability_goes_to_its_policy_only(origin: Run) -> None:
    cause_of(origin, "sl-dsn-leak-in-error", "serverless-http", ["ws.neon"])
    origin.document["probes"][5]["driver"] = {"name": "psycopg", "version": "3.3.2"}

    lines = guided(origin, "psycopg")

    assert lines[0] == (
        "this may be a vulnerability, so no public thread; tell it in private:"
        " https://github.com/psycopg/psycopg/security/policy"
    )
    assert "/issues" not in "\n".join(lines)
    (line,) = guidance.for_finding(origin.document, origin.document["findings"][0])
    assert "may be a vulnerability" in line
    assert "/issues" not in line


def test_where_nothing_is_taken_it_is_said_where_to_go(origin: Run) -> None:
    cause_of(origin, "cfg-vercel-pooled-check", "config", ["ws.neon"])

    lines = guided(origin, "vercel-storage")

    assert lines[0].startswith("do not file at vercel/storage: ")
    assert lines[1] == "take --for neon-serverless"
    assert "issues/new" not in "\n".join(lines)


def test_what_is_yours_is_not_filed(origin: Run) -> None:
    cause_of(origin, "auth-wrong-password", "startup-auth", ["ws.neon"])

    lines = guided(origin, "websockets")

    assert lines[0].startswith("nothing to file. It is a setting, code or an installation of yours.")
    assert "issues/new" not in "\n".join(lines)
    assert "nothing to file" in guidance.for_finding(origin.document, origin.document["findings"][0])[0]


def test_an_upstream_of_which_nothing_failed_gets_no_link(origin: Run) -> None:
    (line,) = guided(origin, "redis-py")
    assert line.startswith("nothing that failed in this run is of redis-py: do not file this there.")


def test_where_nothing_failed_there_is_nothing_to_file(healthy: Run) -> None:
    assert guided(healthy, "asyncpg") == ["nothing failed in this run: there is nothing to file"]


@pytest.mark.parametrize("text", TEXTS)
def test_guidance_is_plain_lines(text: str, mishaps: Run) -> None:
    run = with_text(mishaps, TEXTS[text])
    lines = [line for name in NAMES for line in guided(run, name)]
    lines += [line for each in run.document["findings"] for line in guidance.for_finding(run.document, each)]
    assert all("\n" not in line and "\x1b" not in line and "\u202e" not in line for line in lines)


def test_a_known_issue_is_told_on_one_line() -> None:
    for each in known.every():
        assert "\n" not in str(each)
