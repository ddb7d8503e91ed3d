"""Settings, and what each driver makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from repro.diagnose.cause import Cause, Change
from repro.diagnose.view import View, deepest, is_of_the_database, sqlstate, types
from repro.document import Outcome

_URLS = ("DATABASE_URL", "POSTGRES_URL")


def _scheme_refused(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.failing()
        if any(name.endswith("NoSuchModuleError") for name in types(outcome))
        and any(view.variables.get(name, "").startswith("postgres://") for name in _URLS)
    ]


def _with_the_other_scheme(view: View, outcome: Outcome) -> Change | None:
    changed = {
        name: "postgresql://" + view.variables[name].removeprefix("postgres://")
        for name in _URLS
        if view.variables.get(name, "").startswith("postgres://")
    }
    return Change(
        words="postgresql:// in the place of postgres://",
        probe=outcome["name"],
        command=f'DATABASE_URL="postgresql://${{DATABASE_URL#postgres://}}" repro run --only {outcome["name"]}',
        variables=changed,
    )


def _sslmode_refused(view: View) -> list[Outcome]:
    return [
        outcome for outcome in view.failing() if "unexpected keyword argument 'sslmode'" in deepest(outcome)
    ]


def _not_pooled(view: View) -> Sequence[Outcome]:
    return [
        outcome
        for outcome in view.failing()
        if "VercelPostgresError" in types(outcome)
        and "invalid_connection_string" in str(outcome["error"] and outcome["error"]["chain"])
        and not view.lines(outcome, "connect")
    ]


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="cfg-sa-postgres-scheme",
        layer="config",
        title="SQLAlchemy does not take postgres:// URLs",
        summary="SQLAlchemy 1.4 and later read the scheme as the name of a dialect, and there is none called postgres. "
        "Nothing was dialled.",
        suspects=_scheme_refused,
        symptoms={"SQLAlchemy": "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres"},
        fix=("Write postgresql:// (with +psycopg or +asyncpg for the driver).",),
        links=("https://github.com/sqlalchemy/sqlalchemy/issues/6083",),
        change=_with_the_other_scheme,
    ),
    Cause(
        id="cfg-sa-asyncpg-sslmode",
        layer="config",
        title="asyncpg under SQLAlchemy does not take sslmode in the URL",
        summary="SQLAlchemy hands the URL's parameters to asyncpg.connect() as they are. asyncpg by itself reads sslmode from "
        "a URL, and calls the argument ssl. Nothing was dialled.",
        suspects=_sslmode_refused,
        symptoms={
            "SQLAlchemy on asyncpg": "TypeError: connect() got an unexpected keyword argument 'sslmode'"
        },
        fix=("Write ?ssl=require in the place of ?sslmode=require, or pass connect_args={'ssl': ...}.",),
        links=("https://github.com/MagicStack/asyncpg/issues/737",),
    ),
    Cause(
        id="cfg-vercel-pooled-check",
        layer="config",
        title="@vercel/postgres refuses a URL that is not a pooled one",
        summary="The package looks for -pooler. in the URL before it dials anything; only the host localhost is exempt.",
        suspects=_not_pooled,
        symptoms={"@vercel/postgres": "VercelPostgresError - 'invalid_connection_string'"},
        apart={"sl-localhost-443": "nothing was dialled, and nothing looked up"},
        fix=(
            "Take pg with drizzle-orm/node-postgres for a database that is not Neon's.",
            "Or give the pooled URL to createPool(), and the direct one to createClient().",
        ),
        links=("https://github.com/vercel/storage/issues/614",),
    ),
    Cause(
        id="cfg-wrong-database",
        layer="config",
        title="The server has no database of that name",
        summary="The login succeeded, and the server answered SQLSTATE 3D000.",
        suspects=lambda view: view.where(sqlstate("3D000"), is_of_the_database),
        ops=("pg.msg",),
        fix=("Correct the path of the URL; where it is missing, libpq takes the user's name.",),
    ),
)
