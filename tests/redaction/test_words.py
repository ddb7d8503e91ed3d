from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import repro
from repro.redaction.redactor import REPLACED_FROM
from repro.redaction.words import PUBLIC_WORDS

SCHEMAS = Path(repro.__file__).parent / "schemas"


def words(schema: Any) -> Iterator[str]:
    """Every key and every word of a vocabulary that a schema knows."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        yield from (word for word in schema.get("enum", ()) if isinstance(word, str))
        for value in schema.values():
            yield from words(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from words(value)


@pytest.mark.parametrize("name", ["run-1.json", "event-1.json"])
def test_no_word_of_a_schema_can_be_taken_for_a_secret(name: str) -> None:
    schema = json.loads((SCHEMAS / name).read_text("utf-8"))

    missing = {word for word in words(schema) if len(word) >= REPLACED_FROM} - PUBLIC_WORDS

    assert missing == set()


def test_the_words_are_compared_in_lower_case() -> None:
    assert {word.casefold() for word in PUBLIC_WORDS} == PUBLIC_WORDS
