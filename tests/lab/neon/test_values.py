from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.lab.neon.values import column_json, parameter_text

TEXT_ARRAY, INT4_ARRAY, JSONB = 1009, 1007, 3802
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)
NESTED = st.recursive(
    st.lists(st.none() | TEXTS, min_size=1, max_size=4), lambda inner: st.lists(inner, max_size=3)
)


@settings(deadline=None)
@given(NESTED)
def test_an_array_survives_there_and_back(values: list[Any]) -> None:
    text = parameter_text(values)
    assert text is not None
    assert json.loads(column_json(text, TEXT_ARRAY)) == values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("it's", "it's"),
        (True, "true"),
        (12, "12"),
        (1.5, "1.5"),
        ({"k": [1, "é"]}, '{"k":[1,"é"]}'),
        ([True, None, "NULL", 42, 'bar"-\\'], '{true,NULL,"NULL",42,"bar\\"-\\\\"}'),
        ([{"foo": 1}], '{"{\\"foo\\":1}"}'),
    ],
)
def test_parameters(value: object, text: str | None) -> None:
    assert parameter_text(value) == text


@pytest.mark.parametrize(
    ("text", "oid", "value"),
    [
        ("t", 16, True),
        ("f", 16, False),
        ("42", 23, 42),
        ("42", 20, "42"),
        ("42.5", 701, 42.5),
        ("NaN", 701, "NaN"),
        ("-Infinity", 700, "-Infinity"),
        ("1e+20", 701, 1e20),
        ('{"a": [null, 3]}', JSONB, {"a": [None, 3]}),
        ("12.50", 1700, "12.50"),
        ("[2:3]={1,NULL}", INT4_ARRAY, [1, None]),
        ("{{t,f},{NULL,t}}", 1000, [[True, False], [None, True]]),
        ('{"{\\"a\\": 1}"}', 3807, [{"a": 1}]),
        ("{}", INT4_ARRAY, []),
        ("anything", 99_999, "anything"),
    ],
)
def test_columns(text: str, oid: int, value: object) -> None:
    assert json.loads(column_json(text, oid)) == value


@pytest.mark.parametrize(("text", "oid"), [("x", 23), ("x", 701), ('{"a', TEXT_ARRAY), ("{a\\", TEXT_ARRAY)])
def test_what_is_not_of_its_type(text: str, oid: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        column_json(text, oid)


def test_every_built_in_array_is_known(database: psycopg.Connection[Any]) -> None:
    # int2vector (22) and oidvector (30) count as arrays, but are written without braces.
    rows = database.execute(
        "select oid::int from pg_type where typcategory = 'A' and typdelim = ',' and oid < 10000"
        " and oid not in (22, 30)"
    )
    unknown = [oid for (oid,) in rows if column_json("{NULL}", oid) != "[null]"]
    assert unknown == []
