"""Somebody's own database and queue, without ``--commit``: after a whole run they are what they were."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from repro.lab.postgres_binaries import find_postgres
from repro.lab.process import Lab
from repro.observe.catalog import CATALOG
from repro.persistence.schema import migration
from tests.hostile.conftest import carried_out

THEIRS = """
    CREATE SCHEMA theirs;
    CREATE SEQUENCE theirs.numbers START 41;
    SELECT nextval('theirs.numbers');
    CREATE TABLE theirs.accounts (id bigserial PRIMARY KEY, owner text UNIQUE, balance numeric);
    INSERT INTO theirs.accounts (owner, balance) SELECT 'owner ' || n, n FROM generate_series(1, 50) AS n;
    CREATE FUNCTION theirs.count() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('theirs.numbers'); RETURN NEW; END $$;
    CREATE TRIGGER counting AFTER INSERT OR UPDATE ON public.jobs
        FOR EACH ROW EXECUTE FUNCTION theirs.count();
    INSERT INTO public.orchestrations (id, idempotency_key, fingerprint)
        VALUES ('00000000-0000-0000-0000-000000000001', 'theirs', 'x');
    INSERT INTO public.jobs (id, orchestration_id, position, kind, payload)
        VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 1, 'theirs', '{}');
    INSERT INTO public.outbox (orchestration_id) VALUES ('00000000-0000-0000-0000-000000000001');
"""
"""Tables of their own, and those of the production code in use: a run must find neither."""

COUNTED = {
    "sequences": "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2",
    "writes": (
        "SELECT schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd FROM pg_stat_all_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')"
        " AND NOT starts_with(schemaname, 'pg_temp') AND NOT starts_with(schemaname, 'pg_toast_temp')"
        " ORDER BY 1, 2"
    ),
    "schemas": (
        "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_temp\\_%'"
        " AND nspname NOT LIKE 'pg\\_toast\\_temp\\_%' ORDER BY 1"
    ),
    "temporary tables": "SELECT relname FROM pg_class WHERE relpersistence = 't' ORDER BY 1",
    "databases": "SELECT datname FROM pg_database ORDER BY 1",
    "roles": "SELECT rolname FROM pg_roles ORDER BY 1",
    "settings": "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
    "prepared transactions": "SELECT gid FROM pg_prepared_xacts ORDER BY 1",
    "slots": "SELECT slot_name FROM pg_replication_slots ORDER BY 1",
    "large objects": "SELECT oid FROM pg_largeobject_metadata ORDER BY 1",
    "locks": "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2",
}

LEAVING_S = 10.0
"""Seconds that the server may take to end the sessions of clients that are gone."""

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@pytest.fixture(scope="module")
def target() -> Iterator[Mapping[str, str]]:
    """The settings of a database and a queue with somebody's data in them."""
    with Lab.launch() as lab:
        lab.wait_ready(60)
        with psycopg.connect(lab.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(migration("public"))
            connection.execute(THEIRS)
        queue = client(lab.environment)
        queue.rpush("theirs", "a", "b")
        queue.set("theirs:until", "x", px=3_600_000)
        queue.hset("theirs:map", mapping={"a": "1"})
        queue.close()
        yield lab.environment


def client(environment: Mapping[str, str]) -> redis.Redis:
    return redis.Redis.from_url(environment["UPSTASH_REDIS_URL"], ssl_ca_certs=environment["SSL_CERT_FILE"])


def dumped(url: str) -> list[str]:
    """The whole database as `pg_dump` writes it, without the mark that is another one each time."""
    program = find_postgres().program("pg_dump")
    if not program.exists():
        return []
    done = subprocess.run([program, "--dbname", url], capture_output=True, text=True, check=True, timeout=60)
    return [line for line in done.stdout.splitlines() if "restrict " not in line]


def counted(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """What a dump does not show."""
    with psycopg.connect(url, autocommit=True) as connection:
        alone_by = time.monotonic() + LEAVING_S
        while connection.execute(SESSIONS).fetchone() != (1,) and time.monotonic() < alone_by:
            time.sleep(0.02)  # a server writes its counts down while it ends a session
        found = {name: connection.execute(query).fetchall() for name, query in COUNTED.items()}
        found["sessions"] = connection.execute(SESSIONS).fetchall()
    return found


def keys(environment: Mapping[str, str]) -> dict[bytes, tuple[bytes | None, int]]:
    """Every key of every database of the queue, with its value and when it ends."""
    with client(environment) as queue:
        return {
            key: (queue.dump(key), queue.execute_command("PEXPIRETIME", key)) for key in queue.scan_iter()
        }


def test_a_whole_run_leaves_what_it_found(target: Mapping[str, str], tmp_path: Path) -> None:
    url = target["DATABASE_URL"]
    before = dumped(url), counted(url), keys(target)

    ran = carried_out(tmp_path, target, "run", "--json")

    assert ran.code == 0, ran.errors
    assert {each["name"] for each in ran.document["probes"]} == {entry.name for entry in CATALOG}
    assert {each["status"] for each in ran.document["probes"]} == {"pass"}
    after = dumped(url), counted(url), keys(target)
    assert after == before


def test_the_comparison_can_tell(target: Mapping[str, str]) -> None:
    url = target["DATABASE_URL"]
    before = dumped(url), counted(url), keys(target)

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE theirs.accounts SET balance = 0 WHERE id = 1")
    with client(target) as queue:
        queue.persist("theirs:until")

    after = dumped(url), counted(url), keys(target)
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, True]
