"""What a stream is taken to be able to show."""

from __future__ import annotations

import io

import pytest

from repro.cli import terminal
from repro.cli.terminal import ASCII, UNICODE


class Stream(io.TextIOWrapper):
    def __init__(self, *, attended: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._attended = attended

    def isatty(self) -> bool:
        return self._attended


@pytest.mark.parametrize(
    ("attended", "environ", "moves", "colours"),
    [
        (True, {"TERM": "xterm"}, True, True),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        (True, {"TERM": "dumb"}, False, False),
        (True, {}, False, False),
        (False, {"TERM": "xterm", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_movement_and_colours(
    attended: bool, environ: dict[str, str], moves: bool, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = terminal.of(Stream(attended=attended), environ)

    assert (found.attended, found.moves, found.colours) == (attended, moves, colours)
    assert found.console().is_terminal is moves
    assert (found.console().color_system is not None) is colours


@pytest.mark.parametrize(
    ("encoding", "term", "symbols"),
    [
        ("utf-8", "xterm", UNICODE),
        ("ascii", "xterm", ASCII),
        ("latin-1", "xterm", ASCII),
        ("utf-8", "dumb", ASCII),
    ],
)
def test_characters_beyond_ascii_need_an_encoding_that_has_them(
    encoding: str, term: str, symbols: terminal.Symbols
) -> None:
    assert terminal.of(Stream(attended=True, encoding=encoding), {"TERM": term}).symbols == symbols


def test_a_closed_stream_takes_everything_and_shows_nothing() -> None:
    found = terminal.of(None, {"TERM": "xterm"})

    found.console().print("x")

    assert not found.attended


def test_nothing_is_broken_into_lines_for_a_pipe() -> None:
    assert terminal.of(Stream(attended=False), {}).console().width > 1_000
