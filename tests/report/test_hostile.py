"""No text of a server or a driver changes the structure of a report, as GitHub's own parser reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.report import markdown
from repro.report.checking.check import problems
from repro.report.ci import step_summary
from repro.report.filing import issue, upstream
from repro.report.fitting import LIMIT, size
from repro.reproduce.record import Reproduction
from repro.resources import issue_template
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, everywhere, with_text

RUNS = ("healthy", "origin", "mishaps")
ALLOWED_OF_OURS = {"details", "summary"}


class Structure(HTMLParser):
    """What a document consists of, without its words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.outside_code: list[str] = []
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self._in_code += tag in {"code", "pre"}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.outside_code.append(data)


def structure(text: str) -> Structure:
    page = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    found = Structure()
    found.feed(page)
    found.close()
    return found


def report(run: Run) -> str:
    return markdown.render(run.document, run.events, issue_template())


def shape(found: Structure) -> Counter[str]:
    """The tags whose number no text may change: a sentence may put more or fewer of its words into code."""
    return Counter({tag: count for tag, count in found.tags.items() if tag not in {"code", "br"}})


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text.strip()])
@pytest.mark.parametrize("kind", RUNS)
def test_the_structure_stays(kind: str, name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(kind)
    harmless = structure(report(with_text(run, "harmless words")))
    hostile = structure(report(with_text(run, TEXTS[name])))
    assert shape(hostile) == shape(harmless)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("kind", RUNS)
def test_nothing_links_pings_or_is_markup(kind: str, name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(kind)
    text = report(with_text(run, TEXTS[name]))
    found = structure(text)
    assert found.links == []
    assert set(found.tags) & {"script", "img", "a", "iframe", "style", "form"} == set()
    words = " ".join(found.outside_code)
    assert re.search(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|evil\.invalid", words) is None
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text) is None


@pytest.mark.parametrize("text", ["x" * 30_000, "| ` < & " * 5_000, "\U0001f600" * 30_000])
@pytest.mark.parametrize("kind", RUNS)
def test_endless_text_does_not_make_an_endless_report(
    kind: str, text: str, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(kind)
    assert size(report(with_text(run, text))) < LIMIT


@given(text=st.text(alphabet="`~<>/!-#@|\\*_[]() \n\r\tab1:&;.", min_size=1, max_size=40).filter(str.strip))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_at_all_changes_the_structure(text: str, mishaps: Run) -> None:
    harmless = structure(report(with_text(mishaps, "harmless words")))
    found = structure(report(with_text(mishaps, text)))
    assert shape(found) == shape(harmless)
    assert found.links == []


def reproduction(run: Run, text: str) -> Reproduction:
    """One of the first failing probe, with the text in all that was said or written."""
    return Reproduction(
        probe=next((each["name"] for each in run.document["probes"] if each["error"]), ""),
        file=text, install=text, command=text, settings=[text], target=text, failure_before=text,
        failure_after=text, parts={text: [1, 1]}, kept=[text], trials=1, stopped=text, wanted=3, runs=3,
        failed=3, output=text, text=text,
    )  # fmt: skip


def _as_issue(name: str) -> Callable[[Run, str], str]:
    def render(run: Run, text: str) -> str:
        made = [reproduction(run, text)]
        return issue.render(run.document, run.events, upstream.load(name), None, made)

    return render


RENDERERS: dict[str, Callable[[Run, str], str]] = {
    "markdown": lambda run, text: markdown.render(
        run.document, run.events, issue_template(), [reproduction(run, text)]
    ),
    "step summary": lambda run, _: step_summary.render(run.document, run.events),
    **{name: _as_issue(name) for name in ("neon-serverless", "sqlalchemy", "asyncpg")},
}


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text.strip()])
@pytest.mark.parametrize("kind", ["origin", "mishaps"])
@pytest.mark.parametrize("form", RENDERERS)
def test_in_every_field_of_every_form(
    form: str, kind: str, name: str, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(kind)
    render, text = RENDERERS[form], TEXTS[name]
    harmless = structure(render(everywhere(run, "harmless words"), "harmless words"))
    written = render(everywhere(run, text), text)
    hostile = structure(written)
    if name != "long":  # names of 3,000 characters leave no room for the rest
        assert shape(hostile) == shape(harmless)
    assert set(hostile.links) <= set(harmless.links)  # those of the upstream's own headings
    assert [each for each in problems(written) if "ends" in each.what] == []
    words = " ".join(hostile.outside_code)
    assert re.search(r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|evil\.invalid", words) is None
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written) is None


@pytest.mark.parametrize("form", RENDERERS)
def test_a_text_of_a_hundred_thousand_characters_in_every_field(form: str, mishaps: Run) -> None:
    text = "`|<x" * 25_000
    written = RENDERERS[form](everywhere(mishaps, text), text)
    assert size(written) < LIMIT
    assert [each for each in problems(written) if "ends" in each.what] == []


@given(text=st.text(alphabet="`~<>/!-#@|\\*_[]() \n\r\tab1:&;.=+", min_size=1, max_size=30).filter(str.strip))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_changes_the_structure_of_any_form(text: str, origin: Run) -> None:
    for render in RENDERERS.values():
        harmless = structure(render(everywhere(origin, "harmless words"), "harmless words"))
        assert shape(structure(render(everywhere(origin, text), text))) == shape(harmless)
