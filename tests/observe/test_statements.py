"""The production transaction as the document says it is what reaches a server."""

from __future__ import annotations

from repro.observe.statements import of_the_transaction


def test_begin_insert_insert_commit() -> None:
    statements = of_the_transaction("pg_temp")

    assert statements[0].startswith("BEGIN")
    assert statements[-1] == "COMMIT"
    assert '"pg_temp".jobs' in statements[1]
    assert '"pg_temp".outbox' in statements[2]
    assert len(statements) == 4
