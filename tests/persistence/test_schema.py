"""The tables, in any schema."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from repro.persistence.drivers import Driver
from repro.persistence.schema import TEMPORARY, create_schema, drop_schema, quoted, statements
from repro.persistence.steps import Execute
from repro.persistence.transaction import single

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15)


def test_each_statement_is_one_and_names_its_schema() -> None:
    for sql in statements("some schema"):
        assert ";" not in sql
        assert "--" not in sql
        assert '"some schema".' in sql
        assert "public" not in sql


def test_temporary_tables_are_dropped_by_commit_and_stand_nowhere_else() -> None:
    created = statements(TEMPORARY, temporary=True)
    assert len(created) == 3
    for sql in created:
        assert sql.startswith('CREATE TEMPORARY TABLE "pg_temp".')
        assert sql.endswith(" ON COMMIT DROP")


@pytest.mark.parametrize(("schema", "temporary"), [("public", True), (TEMPORARY, False)])
def test_the_temporary_schema_and_temporary_tables_go_together(schema: str, *, temporary: bool) -> None:
    with pytest.raises(ValueError, match="pg_temp"):
        statements(schema, temporary=temporary)


@pytest.mark.parametrize("schema", ["public", "pg_temp", "pg_catalog"])
def test_what_is_not_ours_is_not_dropped(schema: str) -> None:
    with pytest.raises(ValueError, match="not ours"):
        drop_schema(schema)


@pytest.mark.parametrize("identifier", ["", "a\0b", "x" * 64, "ü" * 32])
def test_an_identifier_that_postgres_would_cut_or_refuse(identifier: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        quoted(identifier)


@effort(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_any_identifier_is_safe(observer: Driver, name: str) -> None:
    rows = observer.run(
        single(Execute(f"SELECT count(*)::int FROM (VALUES (1)) AS {quoted(name)} ({quoted(name)})"))
    )
    assert rows[0] == (1,)


def test_a_private_schema_comes_and_goes_and_can_be_applied_again(observer: Driver) -> None:
    name = f'test "{uuid.uuid4().hex}; DROP'
    for sql in [*create_schema(name), *statements(name)]:
        observer.run(single(Execute(sql)))
    count = Execute("SELECT count(*)::int FROM pg_tables WHERE schemaname = $1::text", (name,))
    assert observer.run(single(count))[0] == (3,)
    observer.run(single(Execute(drop_schema(name))))
    assert observer.run(single(count))[0] == (0,)
