"""What was taken out of a run."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from repro.redaction import Redactor
from repro.report import markdown
from repro.report.escape import clean
from repro.report.preview import Removed, counts, listing, removed
from repro.resources import issue_template
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, with_text

ONE, OTHER = "[redacted:0a1b2c]", "[redacted:ffffff]"


def with_message(run: Run, message: str) -> Run:
    document = copy.deepcopy(run.document)
    probe = next(each for each in document["probes"] if each["error"] is not None)
    assert probe["error"] is not None
    probe["error"]["message"] = message
    document["target"]["database"] = {}
    return Run(document, {})


def only(run: Run, files: dict[str, str] | None = None) -> Any:
    (found,) = removed(files or {}, run.document, run.events)
    return found


def places(found: Removed) -> dict[str, dict[str, int]]:
    return {file: here.named for file, here in found.places.items()}


def place_of_message(run: Run) -> str:
    place = next(n for n, each in enumerate(run.document["probes"]) if each["error"] is not None)
    return f"probes[{place}].error.message"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"postgresql://app:{ONE}@db/app", "the password of a URL"),
        (f"redis://:{ONE}@db", "the password of a URL"),
        (f"Authorization: Bearer {ONE}", "a header"),
        (f"sent bearer {ONE}", "a header"),
        (f"PGPASSWORD={ONE} psql", "the value of PGPASSWORD"),
        (f'{{"api_key": "{ONE}"}}', "the value of api_key"),
        (f"role {ONE} is unknown", "a secret known from the settings"),
        (f"://x:{ONE}", "a secret known from the settings"),
        ("[host:0a1b2c].neon.tech", "a foreign host"),
        ("[user:0a1b2c]", "the name of a user"),
        ("[ipv4:0a1b2c]:5432", "a foreign IPv4 address"),
        ("[ipv6:0a1b2c]:5432", "a foreign IPv6 address"),
    ],
)
def test_what_a_token_stood_for(message: str, kind: str, origin: Run) -> None:
    run = with_message(origin, message)
    found = only(run)
    assert list(found.kinds) == [kind]
    assert places(found) == {"run.json": {place_of_message(run): 1}}


def test_the_name_of_a_field_tells_what_was_in_it(healthy: Run) -> None:
    run = Run({**healthy.document, "target": {"queue": {"rest_token": ONE}}}, {})
    found = only(run)
    assert list(found.kinds) == ["the field rest_token"]
    assert places(found) == {"run.json": {"target.queue.rest_token": 1}}


def test_a_token_is_found_in_names_traces_and_reports(healthy: Run) -> None:
    document: Any = {**healthy.document, "environment": {ONE: 1}}
    line = {**healthy.events["tcp.raw"][0], "http.url": f"{ONE} {ONE}"}
    found = only(Run(document, {"tcp.raw": [line]}), {"report.md": f"a\n{ONE}\n", "run.json": ONE})
    assert found.times == 4
    assert places(found) == {
        "run.json": {f"the name of environment['{ONE}']": 1},
        "trace/tcp.raw.jsonl": {"1: http.url": 2},
        "report.md": {"line 2": 1},
    }


def test_the_counts_are_by_kind(origin: Run) -> None:
    run = with_message(origin, f"{ONE} {OTHER} {ONE} [ipv4:000000] [ipv6:000000] [user:000000]")
    assert counts(removed({}, run.document, run.events)) == {"secret": 2, "user": 1, "address": 2}


def test_the_listing_says_what_where_and_how_often(origin: Run) -> None:
    run = with_message(origin, f"postgresql://app:{ONE}@db/app and {ONE}")
    run.document["target"]["database"] = {"parameters": {"sslmode": "require", "options": "[set]"}}
    place = place_of_message(run)
    assert listing({"report.html": f"{ONE}{ONE}"}, run.document, {}) == (
        "replaced by tokens: 1 secret; in 4 places\n\n"
        f"{ONE}  4 times: the password of a URL; a secret known from the settings\n"
        f"  run.json: {place} (2 times)\n"
        "  report.html: 2 places\n\n"
        "parameters of the database's URL whose values are not told:\n  options\n"
    )


def test_many_places_are_counted(origin: Run) -> None:
    run = with_message(origin, ONE)
    told = listing({"report.md": f"{ONE}\n" * 20}, run.document, {})
    assert "report.md: line 1, line 2, line 3, line 4, line 5, line 6, and 14 more places\n" in told


def test_what_was_cut_is_told_with_its_place(mishaps: Run) -> None:
    run = with_message(mishaps, "x" * 100 + " […]")
    text = markdown.render(mishaps.document, mishaps.events, issue_template())
    told = listing({"report.md": text}, run.document, {})
    number = next(n for n, line in enumerate(text.split("\n"), 1) if "lines left out" in line)
    what = "a long text is shortened, with […] where something is left out"
    assert f"  run.json: {what}: {place_of_message(run)}\n" in told
    assert "  report.md: 160 lines left out: " in told
    assert f"line {number}" in told


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("[… 3 links left out …]", "3 links left out"),
        ("12 more failing probes are in `run.json`.", "12 more failing probes are in run.json"),
        ("<td>1,200 more in trace/ws.neon.jsonl</td>", "1,200 more in trace/ws.neon.jsonl"),
        ("ab […] cd", "a long text is shortened, with […] where something is left out"),
    ],
)
def test_every_mark_of_a_cut_is_known(line: str, what: str, healthy: Run) -> None:
    assert f"  report.md: {what}: line 1\n" in listing({"report.md": line}, healthy.document, {})


def test_what_a_page_leaves_out_is_added_up(healthy: Run) -> None:
    page = "<td>1,200 more in trace/a.jsonl</td><td>5 more in trace/a.jsonl</td>"
    told = listing({"report.html": page}, healthy.document, {})
    assert "  report.html: 1,205 more in trace/a.jsonl: 2 places\n" in told


def test_characters_that_nobody_sees_are_told_by_number(origin: Run) -> None:
    run = with_message(origin, "\x1b[31ma\u202eb\u202e\r\nc\x00")
    place = place_of_message(run)
    told = listing({}, run.document, {})
    assert f"  run.json: a terminal sequence: {place}\n" in told
    assert f"  run.json: U+202E: {place} (2 times)\n" in told
    assert f"  run.json: U+0000: {place}\n" in told
    assert "U+000D" not in told


def test_of_a_run_without_any_of_it_that_is_said(healthy: Run) -> None:
    text = markdown.render(healthy.document, healthy.events, issue_template())
    told = listing({"report.md": text}, healthy.document, healthy.events)
    assert told == "no secret, host or user was replaced: none was met\n"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_listing_is_data_for_a_terminal(text: str, mishaps: Run) -> None:
    run = with_text(mishaps, f"{text}{ONE}")
    run.document["environment"][text] = ONE
    told = listing({text: ONE}, run.document, run.events)
    assert clean(told) == told
    assert max(map(len, told.split("\n"))) < 4_000


def test_what_the_redactor_puts_in_is_found(origin: Run) -> None:
    redactor = Redactor(["corr3ct-h0rse"], salt=b"salt")
    document: Any = redactor.value(with_message(origin, "corr3ct-h0rse").document)
    found = only(Run(document, {}))
    assert found.times == redactor.manifest()[found.token] == 1
