from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.escape import cell, clean, code, fence, not_shown, one_line, prose, shortened

HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("`|~<>@#\\\n\r\x1b[]\u202e\u200b\x00"), st.characters()), max_size=60
)
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@given(HOSTILE)
def test_a_fence_holds_whatever_is_in_it(text: str) -> None:
    lines = fence(text).split("\n")
    ticks = lines[0].removesuffix("text")

    assert set(ticks) == {"`"}
    assert len(ticks) >= 3
    assert lines[-1] == ticks
    assert all(ticks not in line for line in lines[1:-1])


@given(HOSTILE)
def test_inline_code_holds_whatever_is_in_it(text: str) -> None:
    written = code(text)

    if written:
        ticks = re.match("`+", written)
        assert ticks is not None
        inside = written[len(ticks[0]) : -len(ticks[0])]
        assert ticks[0] not in re.findall("`+", inside)
        assert not inside.startswith("`")
        assert not inside.endswith("`")
    assert "\n" not in written


@given(HOSTILE)
def test_a_cell_ends_no_cell(text: str) -> None:
    assert not re.search(r"(?<!\\)\|", cell(text))
    assert "\n" not in cell(text)


@given(HOSTILE)
def test_nothing_invisible_is_left(text: str) -> None:
    assert not INVISIBLE.search(clean(text))
    assert not INVISIBLE.search(prose(text))


@given(HOSTILE)
def test_a_sentence_holds_nothing_but_words_and_code(text: str) -> None:
    outside = re.sub(r"(`+).+?(?<!`)\1(?!`)", "", prose(text))

    assert not re.search(r"[`*_~<>&\[\]\\|@#$]|://", outside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x.test\x1b\\link", "link"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u202eb", "a\\u202eb"),
        ("bell\x07", "bell\\u0007"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_one_line() -> None:
    assert one_line("  a\n\tb  c ") == "a b c"


@pytest.mark.parametrize(
    ("text", "written"),
    [("", ""), ("plain", "`plain`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("  ", ""), ("a\nb", "`a b`")],
)
def test_code(text: str, written: str) -> None:
    assert code(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words stay, all of them.", "plain words stay, all of them."),
        ("thanks @octocat, see #12 and GH-3.", "thanks `@octocat`, see `#12` and `GH-3`."),
        ("the <b>bold</b> (read_back)", "the `<b>bold</b>` (`read_back`)"),
        ("see https://x.test/issues/1", "see `https://x.test/issues/1`"),
        ("commit deadbeef1 :tada:", "commit `deadbeef1` `:tada`:"),
        ("at 127.0.0.1:443 it's", "at 127.0.0.1:443 it's"),
        ("call f(a_b).", "call `f(a_b)`."),
        ("(see f(a_b))", "(see `f(a_b)`)"),
        ("(a_b).c and (a)(b_c)", "`(a_b).c` and `(a)(b_c)`"),
        ('os.environ["X_Y"], "a_b"', '`os.environ["X_Y"]`, "`a_b`"'),
        ("f(x) stays", "f(x) stays"),
    ],
)
def test_prose(text: str, written: str) -> None:
    assert prose(text) == written


def test_a_long_text_loses_its_middle() -> None:
    text = "h" * 100 + "t" * 100

    assert shortened(text, 50) == "h" * 10 + " […] " + "t" * 40
    assert shortened(text, 200) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain\r\ntext\r", []),
        ("\x1b[31mred\x1b[0m", ["a terminal sequence"] * 2),
        ("a\u202eb\ud800", ["U+202E", "U+D800"]),
    ],
)
def test_what_is_not_shown_as_it_is_can_be_told(text: str, told: list[str]) -> None:
    assert list(not_shown(text)) == told


@given(HOSTILE)
def test_a_clean_text_shows_everything(text: str) -> None:
    assert list(not_shown(clean(text))) == []


@pytest.mark.parametrize("text", [":-", "-:", ":--:", "---", "==="])
def test_a_word_that_could_end_the_head_of_a_table_is_code(text: str) -> None:
    assert prose(text) == f"`{text}`"
