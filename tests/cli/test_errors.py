"""Errors in one line, and foreign text as data."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cli import errors


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.UsageError("--x: no; do y"), 2, "repro: --x: no; do y"),
        (errors.CannotTest("the lab: no room"), 3, "repro: the lab: no room"),
        (errors.CannotTest("two\nlines \x1b[31mred\x1b[0m"), 3, "repro: two lines red"),
        (KeyboardInterrupt(), 130, "repro: interrupted"),
        (RuntimeError("s3cret"), 3, "repro: internal error: RuntimeError (REPRO_DEBUG=1 shows where)"),
        (errors.CannotTest("at postgresql://u:s3cret@h/d"), 3, "repro: at <url>"),
        (errors.UsageError("give redis://HOST"), 2, "repro: give redis://HOST"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: BaseException,
    code: int,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REPRO_DEBUG", raising=False)

    assert errors.report(error) == code
    assert capsys.readouterr() == ("", line + "\n")


def test_a_traceback_is_shown_when_it_is_asked_for_without_urls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DEBUG", "1")

    errors.report(RuntimeError("at postgresql://u:s3cret@h/d"))

    shown = capsys.readouterr().err
    assert "RuntimeError: at <url>" in shown
    assert "s3cret" not in shown


def test_a_closed_standard_error_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)

    assert errors.report(errors.UsageError("x")) == 2


def test_what_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stderr", stream)

    errors.tell("größer")

    assert stream.buffer.getvalue() == b"gr\\xf6\\xdfer\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\nc", "a b c"),
        ("\x1b[2J\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://h\x1b\\link", "link"),
        ("a\x9b31mb", "a 31mb"),
        ("\u202eevil\u2069", "evil"),
        ("pay\u200bpal \u200f\u061c\ufeffx", "pay\\u200bpal \\u200f\\u061c\\ufeffx"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
    ],
)
def test_foreign_text_is_data(text: str, shown: str) -> None:
    assert errors.plain(text) == shown


@given(st.text())
def test_plain_text_moves_no_cursor(text: str) -> None:
    shown = errors.plain(text)

    assert shown.isprintable() or not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in shown)
    assert errors.plain(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("tcp.x", "tcp.x"), ("a\nb", "a b"), ("redis://:p@h", "that"), ("u:p@h", "that"), ("x" * 200, "x" * 80)],
)
def test_what_was_typed_is_said_again_only_where_it_holds_no_secret(text: str, shown: str) -> None:
    assert errors.quoted(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("  ::set-output name=a::b", ": :set-output name=a::b"),
        ("x ##[error]y", "x # #[error]y"),
        ("::1 refused", "::1 refused"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("a ::error::x", "a ::error::x"),
    ],
)
def test_no_foreign_text_commands_the_runner_of_a_ci_job(text: str, shown: str) -> None:
    assert errors.plain(text) == shown
