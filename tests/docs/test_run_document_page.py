"""docs/run-document.md has every key and every word of the schema, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.environment_facts import collect

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "run-document.md").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "repro" / "schemas" / "run-1.json").read_text("utf-8"))

ROWS = re.findall(r"^\| (`.*?) \| (.*) \|$", PAGE, re.MULTILINE)
OPEN = ("environment.", "target.")


def resolved(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that a value may follow, without the references."""
    if "$ref" in schema:
        yield from resolved(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from resolved(each)
    else:
        yield schema


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for each in resolved(schema):
        yield path, each
        if "items" in each:
            yield from walk(each["items"], f"{path}[]")
        for name, inner in each.get("properties", {}).items():
            yield from walk(inner, f"{path}.{name}" if path else name)


def told() -> set[str]:
    """The keys of the page's tables, and the objects and lists that these go through."""
    keys = {key for cell, _ in ROWS for key in re.findall(r"`([a-z_.0-9[\]]+)`", cell)}
    return keys | {key[: match.start()] for key in keys for match in re.finditer(r"\.|\[\]", key)}


def test_every_key_of_the_schema_is_told_and_no_other() -> None:
    keys = {path for path, _ in walk(SCHEMA) if path}
    failures = {word for words in enums("findings[].failure") for word in words}
    assert {key for key in told() - failures if not key.startswith(OPEN)} == keys


def test_every_word_of_an_enumeration_is_told() -> None:
    words = {word for path, schema in walk(SCHEMA) for word in schema.get("enum", ())}
    assert [word for word in sorted(words) if f"`{word}`" not in PAGE] == []


def test_every_fact_of_the_environment_is_told() -> None:
    facts = {key.removeprefix("environment.") for key in told() if key.startswith("environment.")}
    assert facts == {*collect({}), "command", "servers"}


def enums(path: str) -> Iterator[list[str]]:
    return (schema["enum"] for found, schema in walk(SCHEMA) if found == path and "enum" in schema)
