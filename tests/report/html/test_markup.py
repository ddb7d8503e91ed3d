from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.escape import brief
from repro.report.html.markup import Html, code, element, facts, join, link, sentence, text

HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("<>&\"'`=/\\\n\r\x1b\x00\u202e\ud800"), st.characters()), max_size=60
)


class Seen(HTMLParser):
    """What a parser makes of it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.data += data


@given(HOSTILE, HOSTILE)
def test_a_text_is_never_a_tag_and_never_leaves_its_attribute(content: str, value: str) -> None:
    seen = Seen(element("p", content, aria_label=value))

    assert [tag for tag, _ in seen.tags] == ["p"]
    assert set(seen.tags[0][1]) == {"aria-label"}


@given(HOSTILE)
def test_what_is_shown_is_what_was_said(content: str) -> None:
    assert Seen(element("p", content)).data == Seen(text(content)).data


def test_attributes() -> None:
    made = element(
        "input", cls="a b", for_="x", data_unfold="all", hidden=True, checked=False, id=None, tabindex=-1
    )

    assert made == '<input class="a b" for="x" data-unfold="all" hidden tabindex="-1">'


def test_content_may_be_nested_and_nothing_is_nothing() -> None:
    assert join("<", None, [Html("<b>x</b>"), ["&", iter(["y"])]]) == "&lt;<b>x</b>&amp;y"


def test_code_is_one_line_and_no_element_for_no_text() -> None:
    assert code("a\n b<") == "<code>a b&lt;</code>"
    assert code(" \n") == ""


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("plain, <b>", "plain, &lt;b&gt;"),
        ("`ON COMMIT DROP`.", "<code>ON COMMIT DROP</code>."),
        ("see `` a`b `` and `c`", "see <code>a`b</code> and <code>c</code>"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_a_sentence_of_ours_may_hold_code(markdown: str, shown: str) -> None:
    assert sentence(markdown) == shown


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("https://example.test/a?b=c#d", True),
        ("http://example.test:8080", True),
        ("javascript:alert(1)", False),
        ("JAVASCRIPT:alert(1)//https://x", False),
        (" https://example.test", False),
        ("https://user:secret@example.test", False),
        ("https://example.test/\u202e", False),
    ],
)
def test_only_web_addresses_are_links(address: str, linked: bool) -> None:
    assert link(address).startswith("<a ") is linked


def test_a_fact_of_nothing_is_left_out() -> None:
    assert facts([("a", "1"), ("b", ""), ("c", None), ("d", iter(()))]) == "<dl><dt>a</dt><dd>1</dd></dl>"


def test_an_endless_text_is_cut() -> None:
    assert len(brief("x" * 1_000_000, 100)) <= 100 + len(" […] ")
