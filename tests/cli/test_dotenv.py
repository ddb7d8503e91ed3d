"""Environment files: what is an assignment, what it holds, and how a line that is none is told."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cli.dotenv import DotenvError, assignment, parse

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))


def values(text: str) -> dict[str, str]:
    return {entry.name: entry.value for entry in parse(text)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=1", "1"),
        ("A = 1 ", "1"),
        ("  export A=1", "1"),
        ("A=", ""),
        ("A=''", ""),
        ("A=a b", "a b"),
        ("A=1 # one", "1"),
        ("A=1#one", "1#one"),
        ("A=# nothing", ""),
        ("A='1 # one' # two", "1 # one"),
        ('A="it\'s"', "it's"),
        ("A='say \"x\"'", 'say "x"'),
        ('A=`it\'s "x"`', 'it\'s "x"'),
        (r'A="a\nb\t\"c\" \$d \\n \x"', 'a\nb\t"c" $d \\n \\x'),
        (r"A='a\nb'", r"a\nb"),
        ("A='one\ntwo'", "one\ntwo"),
        ('A="one\r\ntwo"', "one\ntwo"),
        ("A=postgresql://u:p%40w@h:5432/d?sslmode=require", "postgresql://u:p%40w@h:5432/d?sslmode=require"),
        ("A=$(touch x) `touch x` $HOME", "$(touch x) `touch x` $HOME"),
        ("A=ä€𝄞", "ä€𝄞"),
        ("A=a\u2028b", "a\u2028b"),
    ],
)
def test_a_value_is_read_as_the_loaders_agree(text: str, value: str) -> None:
    assert values(text) == {"A": value}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_marks_and_comments_are_passed_over(line_end: str) -> None:
    text = "\ufeff" + line_end.join(["# head", "", "A=1", "   ", "  # more", "export B='2'", ""])

    assert [(entry.name, entry.value, entry.line) for entry in parse(text)] == [("A", "1", 3), ("B", "2", 6)]


def test_lines_are_counted_through_values_of_several_lines() -> None:
    assert [entry.line for entry in parse("A='1\n2\n3'\nB=4")] == [1, 4]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("A=1\nsecret value", 2, "no NAME=value"),
        ("1A=1", 1, "no NAME=value"),
        ("export A", 1, "no NAME=value"),
        ("A=1\nB='secret\nC=3\n", 2, "never closed"),
        ('A="secret\\"', 1, "never closed"),
        ("A='x' secret", 1, "after the closing"),
        ("A='x\ny' secret", 2, "after the closing"),
        ("A=\0", 1, "NUL"),
        ("A='\0'", 1, "NUL"),
    ],
)
def test_what_is_no_assignment_is_told_with_its_line_and_without_its_text(
    text: str, line: int, words: str
) -> None:
    with pytest.raises(DotenvError, match=words) as caught:
        parse(text)

    assert caught.value.line == line
    assert "secret" not in str(caught.value)


def test_only_literal_quotes_are_literal() -> None:
    entries = {entry.name: entry.literal for entry in parse("A=1\nB='1'\nC=\"1\"\nD=`1`")}

    assert entries == {"A": False, "B": True, "C": False, "D": True}


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read_back(variables: dict[str, str]) -> None:
    text = "".join(f"{assignment(name, value)}\n" for name, value in variables.items())

    assert values(text) == variables


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        entries = parse(text)
    except DotenvError as error:
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1  # noqa: PT017 - either way is right
    else:
        assert all(entry.name.isascii() for entry in entries)


@pytest.mark.parametrize(
    "value", ["", "a b", "it's", 'it\'s "$HOME" `x` \\ \\n', "two\nlines", "ä", "$(false)"]
)
def test_a_shell_reads_what_is_written_alike(value: str) -> None:
    script = f'{assignment("A", value)}\nprintf %s "$A"'

    shell = subprocess.run(["sh", "-c", script], capture_output=True, check=True)

    assert shell.stdout.decode() == value
