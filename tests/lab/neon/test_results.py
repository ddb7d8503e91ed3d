from __future__ import annotations

import json
import struct

import pytest

from repro.lab.neon.messages import Message
from repro.lab.neon.results import Budget, ResponseTooLarge, Result, parse_command_tag

INT4, JSONB = 23, 3802


def description(*columns: tuple[str, int]) -> Message:
    fields = [name.encode() + b"\0" + struct.pack("!IhIhih", 0, 0, oid, 4, -1, 0) for name, oid in columns]
    return Message(b"T", struct.pack("!h", len(fields)) + b"".join(fields))


def row(*values: bytes | None) -> Message:
    parts = [struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values]
    return Message(b"D", struct.pack("!h", len(parts)) + b"".join(parts))


def rendered(*given: Message, array_mode: bool = False, raw_text: bool = False) -> dict[str, object]:
    result = Result(array_mode=array_mode, raw_text=raw_text, budget=Budget(1000))
    for message in given:
        result.add(message)
    document: dict[str, object] = json.loads(result.as_json())
    return document


def test_rows_as_objects_with_json_values() -> None:
    shown = rendered(description(("a", INT4), ("b", JSONB)), row(b"7", b'{"k": 1}'), row(None, b"null"))
    assert shown["rows"] == [{"a": 7, "b": {"k": 1}}, {"a": None, "b": None}]
    assert shown["rowAsArray"] is False


def test_rows_as_arrays_of_raw_text() -> None:
    shown = rendered(description(("a", INT4)), row(b"7"), row(None), array_mode=True, raw_text=True)
    assert shown["rows"] == [["7"], [None]]
    assert shown["fields"] == [
        {
            "name": "a",
            "dataTypeID": INT4,
            "tableID": 0,
            "columnID": 0,
            "dataTypeSize": 4,
            "dataTypeModifier": -1,
            "format": "text",
        }
    ]


def test_a_statement_without_rows() -> None:
    shown = rendered(Message(b"n", b""), Message(b"C", b"CREATE TABLE\0"))
    assert shown == {"rowAsArray": False, "fields": [], "rows": [], "command": "CREATE", "rowCount": None}


@pytest.mark.parametrize(
    ("tag", "parsed"),
    [
        ("INSERT 0 3", ("INSERT", 3)),
        ("SELECT 2", ("SELECT", 2)),
        ("BEGIN", ("BEGIN", None)),
        ("CREATE TABLE", ("CREATE", None)),
        ("", ("", None)),
    ],
)
def test_command_tags(tag: str, parsed: tuple[str, int | None]) -> None:
    assert parse_command_tag(tag) == parsed


def test_the_budget_counts_the_rows_of_all_results() -> None:
    budget = Budget(20)
    for _ in range(2):
        result = Result(array_mode=True, raw_text=True, budget=budget)
        result.add(description(("a", INT4)))
        result.add(row(b"12345"))
    with pytest.raises(ResponseTooLarge):
        result.add(row(b"6"))


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        rendered(description(("a", INT4)), row(b"\xff"), raw_text=True)
