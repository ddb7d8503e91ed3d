"""Which lines are code: held against GitHub's own parser."""

from __future__ import annotations

import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.report.checking.code_blocks import outside, read


def code_of_github(text: str) -> set[int]:
    """The lines of the parser's blocks of code."""
    page = cmarkgfm.github_flavored_markdown_to_html(
        text, Options.CMARK_OPT_SOURCEPOS | Options.CMARK_OPT_UNSAFE
    )
    found = re.findall(r"<pre[^>]* data-sourcepos=\"(\d+):\d+-(\d+):\d+\"", page)
    return {line for first, last in found for line in range(int(first), int(last) + 1)}


def code_of_ours(text: str) -> set[int]:
    return {each.number for each in read(text.split("\n")) if each.is_code}


@pytest.mark.parametrize(
    "text",
    [
        "```\na\n```\ntext",
        "````\n```\n````\ntext",
        "~~~a`b\n```\n~~~~\ntext",
        "   ```\na\n   ```  \ntext",
        "a\n    b",
        "a\n\n    b\n    c\nd",
        "- ```\n  x\n  ```\n- b",
        "- a\n\n  ```sh\n  x\n  ```\n\nb",
        "1. a\n   ````\n   ```\n   ````\n2. b",
        "1.  a\n\n    ```\n    x\n    ```\n\nb",
        "- a\n  - b\n\n    ```\n    x\n    ```\nc",
        "> ```\n> x\n> ```\ny",
        "- a\n\n      b\n",
        "-     a\n",
        "* * *\n- - -\n```\nx\n```",
        "<details><summary>a</summary>\n```\nx\n```\n</details>\n\n```\ny\n```",
        "<div>\n\n```\nx\n```\n\n</div>\n```\ny\n```",
        "<b>\n```\nx\n```\n\n    y",
        "a\n<b>\n```\nx\n```",
        "a\n<p>\n```\nx\n```",
        "<!-- a\n```\n\n-->\n```\nx\n```",
        "<!-- a --> b\n```\nx\n```",
        "<pre>\n```\n\n</pre>\n```\nx\n```",
        "- <div>\n  ```\n  x\n  ```\n```\ny\n```",
        "> <div>\n> ```\n> x\n\n```\ny\n```",
        "# a\n    b\n<i>\n```\nc\n```",
        "<br>\n```\nx\n```",
        "<https://a.test>\n```\nx\n```",
        "</details>\n```\nx\n```",
    ],
)
def test_known_forms(text: str) -> None:
    assert code_of_ours(text) == code_of_github(text)


BLOCKS = st.sampled_from(
    [
        *("text", "## head", "***", "| a |\n|---|\n| b |", "- item", "    indented\n    too"),
        *("```\nx\n```", "~~~~ text\n```\n- y\n~~~~", "- item\n\n  ```\n  x\n  ```"),
        *("1. one\n\n   ~~~\n   > x\n   ~~~\n2. two", "> quoted\n>\n> ```\n> x\n> ```"),
        "- a\n  - b\n\n    ```\n    x\n    ```",
    ]
)


HTML = st.sampled_from(
    ["<details>", "</details>", "<b>", "<!-- a -->", "<!-- a\n```\n-->", "<pre>\n```\n</pre>", "<br/> text"]
)


@given(st.lists(BLOCKS, min_size=1, max_size=6))
@settings(deadline=None)
def test_blocks_one_after_another(blocks: list[str]) -> None:
    text = "\n\n<!-- -->\n\n".join(blocks)
    fenced = {each.number for each in read(text.split("\n")) if each.is_code and each.text.strip()}
    assert fenced == {n for n in code_of_github(text) if text.split("\n")[n - 1].strip()}


@given(
    st.lists(st.one_of(BLOCKS.filter(lambda each: "|" not in each), HTML), min_size=1, max_size=6),
    st.lists(st.sampled_from(["\n", "\n\n"]), min_size=6, max_size=6),
)
@settings(deadline=None)
def test_blocks_between_raw_html(blocks: list[str], gaps: list[str]) -> None:
    text = "".join(each + gap for each, gap in zip(blocks, gaps, strict=False))
    found = {each.number for each in read(text.split("\n")) if each.is_code and each.text.strip()}
    assert found == {n for n in code_of_github(text) if text.split("\n")[n - 1].strip()}


def test_a_fence_that_is_none_is_told() -> None:
    found = read(["<details>", "```", "x", "```", "", "```", "```"])
    assert [each.number for each in found if each.no_fence] == [2, 4]


@pytest.mark.parametrize("text", ["> ```\n> x\ny", "- ```\n  x\ny"])
def test_a_block_ends_with_what_it_is_in(text: str) -> None:
    assert code_of_ours(text) == {1, 2}


@given(st.text(alphabet="`~ -+>\n1.)#aé\t", max_size=120))
def test_any_text_is_read_line_by_line(text: str) -> None:
    lines = text.split("\n")
    found = read(lines)
    assert [each.text for each in found] == lines
    assert [each.number for each in found] == list(range(1, len(lines) + 1))
    assert len(list(outside(found))) == len(lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\n```\nb", 2), ("> ```\n> x\ny", 1), ("- ```\n  x\ny", 1), ("~~~\n```\n", 1)],
)
def test_a_block_that_is_never_ended_is_told_where_it_begins(text: str, line: int) -> None:
    assert [each.number for each in read(text.split("\n")) if each.unclosed] == [line]
