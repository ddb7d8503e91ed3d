"""How times and names are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli import wording


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0.0, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.95, "10 ms"),
        (999.4, "999 ms"),
        (999.5, "1.0 s"),
        (99_949.0, "99.9 s"),
        (99_951.0, "100 s"),
    ],
)
def test_a_duration_takes_at_most_six_columns(milliseconds: float, words: str) -> None:
    assert wording.duration(milliseconds) == words
    assert len(words) <= 6


@pytest.mark.parametrize(("value", "words"), [(30.0, "30 s"), (7.5, "7.5 s"), (0.1, "0.1 s"), (120, "120 s")])
def test_seconds_have_a_fraction_only_where_it_says_something(value: float, words: str) -> None:
    assert wording.seconds(value) == words


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, ""),
        ({"name": None, "version": None}, ""),
        ({"name": "psycopg", "version": "3.2.9"}, "psycopg 3.2.9"),
        ({"name": "psycopg", "version": None}, "psycopg"),
        ({"name": "standard library", "version": "3.12.1"}, "stdlib 3.12.1"),
    ],
)
def test_a_driver_is_its_name_and_version(record: dict[str, str | None] | None, words: str) -> None:
    assert wording.driver(record) == words


def test_a_path_is_relative_to_here_where_it_is_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert wording.path(tmp_path / "a") == "a"
    assert wording.path(Path("/")) == "/"
