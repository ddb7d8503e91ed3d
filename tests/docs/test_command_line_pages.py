"""README.md and docs/command-line.md have the commands and flags of the program, and no others."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.cli.parser import build

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "command-line.md").read_text("utf-8")

OF_SEVERAL = "The target"
"""The section with the flags that several commands share."""


def commands(parser: argparse.ArgumentParser, name: str = "repro") -> Iterator[tuple[str, set[str]]]:
    """Each command that can be typed, and its flags."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for word, inner in (pair for action in below for pair in action.choices.items()):
        yield from commands(inner, f"{name} {word}")
    if not below:
        yield name, {flag for action in parser._actions for flag in action.option_strings} - {"-h", "--help"}


def sections() -> dict[str, str]:
    """The sections of the page: by command, such as ``repro lab up``, or by heading."""
    _, *parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {re.sub(r"`(repro[a-z ]*[a-z]).*", r"\1", heading): text for heading, text in pairs}


FLAGS = dict(commands(build()))
SECTIONS = sections()


def flags(text: str) -> set[str]:
    """The flags in the code spans of a text."""
    spans = [span for _, span in re.findall(r"(`+)(.+?)(?<!`)\1(?!`)", text)]
    return {flag for span in spans for flag in re.findall(r"(?<![\w-])--?[a-z][\w-]*", span)}


def test_every_command_has_its_section_and_its_line() -> None:
    listed = re.findall(r"^(repro(?: [a-z]+)+)", PAGE[: PAGE.index("## ")], re.MULTILINE)
    assert {heading for heading in SECTIONS if heading.startswith("repro")} == FLAGS.keys()
    assert set(listed) == FLAGS.keys()


@pytest.mark.parametrize("command", FLAGS)
def test_every_flag_is_told(command: str) -> None:
    assert FLAGS[command] - flags(SECTIONS.get(command, "")) - flags(SECTIONS[OF_SEVERAL]) == set()


@pytest.mark.parametrize("command", FLAGS)
def test_no_flag_is_told_that_the_command_has_not(command: str) -> None:
    rows = re.findall(r"^\| (`-.*?`) \| ", SECTIONS.get(command, ""), re.MULTILINE)
    assert {flag for row in rows for flag in flags(row)} - FLAGS[command] == set()


def test_the_readme_has_the_commands_as_the_help_lists_them() -> None:
    written = re.search(r"^\$ repro --help\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    listed = re.search(r"^commands:\n.*?(?=^$)", build(()).format_help(), re.MULTILINE | re.DOTALL)
    assert written is not None
    assert listed is not None
    assert written[1] == listed[0], "copy the list of commands from `repro --help` into README.md"
