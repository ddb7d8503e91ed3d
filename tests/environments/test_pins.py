"""Packages and versions as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.environments.pins import BadPin, Cell, Pin, parse, product


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("psycopg=3.1,3.2.9", ["psycopg==3.1.*", "psycopg==3.2.9"]),
        ("psycopg=latest,oldest", ["psycopg", "psycopg"]),
        ("psycopg=>=3.1,<3.3", ["psycopg>=3.1,<3.3"]),
        ("redis=8.0.0b1", ["redis==8.0.0b1"]),
        ("npm:drizzle-orm=0.44.0,0.45", ["drizzle-orm@0.44.0", "drizzle-orm@0.45"]),
        ("npm:@vercel/postgres=0.5.1", ["@vercel/postgres@0.5.1"]),
        ("npm:pg=latest", ["pg@latest"]),
        ("npm:pg=^8.11", ["pg@^8.11"]),
    ],
)
def test_what_a_registry_is_asked_for(text: str, requirements: list[str]) -> None:
    assert [pin.requirement for pin in parse(text)] == requirements


@pytest.mark.parametrize(
    "text",
    ["psycopg", "psycopg=", "=3.1", "psy copg=3", "psycopg=3;rm", "psycopg=3.1,", "npm:pg=oldest",
     "python=latest", "../x=1", "pg@https://x=1", "psycopg=-r/etc/passwd,\n"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadPin):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_pins_or_refused(text: str) -> None:
    try:
        pins = parse(text)
    except BadPin:
        return
    assert pins
    assert all(not pin.requirement.startswith("-") for pin in pins)


def test_cells_are_every_combination_in_order() -> None:
    cells = product([parse("a=1.0.0,2.0.0"), parse("npm:b=3.0.0")])
    assert list(map(str, cells)) == ["a=1.0.0 npm:b=3.0.0", "a=2.0.0 npm:b=3.0.0"]
    assert cells[0].of("npm") == (Pin("npm", "b", "3.0.0"),)
    assert str(Cell()) == "as installed"
