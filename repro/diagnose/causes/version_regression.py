"""What another version of a package does otherwise."""

from __future__ import annotations

from repro.diagnose.cause import Cause, Change
from repro.diagnose.causes.serverless_http import ports_dialled
from repro.diagnose.tls_changes import as_libpq_does
from repro.diagnose.view import View, failed, is_of_the_database, over, says
from repro.document import Outcome

_HTTPS_PORT = 443
_NEON, _VERCEL = "@neondatabase/serverless", "@vercel/postgres"
_BUILT_ON_IT = frozenset({_VERCEL, "drizzle-orm"})
_VERIFIED_BY_PG = frozenset({"prefer", "require", "verify-ca"})
"""Modes of sslmode that pg takes for verify-full, and libpq does not."""

_CERTIFICATE = ("tls_unknown_authority", "tls_hostname_mismatch", "tls_expired")


def _of_pg(outcome: Outcome) -> bool:
    return outcome["name"].startswith(("node.", "specimen.node-")) and outcome["transport"] == "tcp"


def _verified_by_pg_alone(view: View) -> list[Outcome]:
    """Where pg refused the certificate that another driver took with the same sslmode."""
    url = view.url()
    query = {} if url is None else url.query
    as_libpq = query.get("uselibpqcompat") == "true"
    taken = any(
        is_of_the_database(each) and over("tcp")(each) and not _of_pg(each) for each in view.passing()
    )
    if query.get("sslmode") not in _VERIFIED_BY_PG or as_libpq or not taken:
        return []
    return view.where(is_of_the_database, _of_pg, failed(*_CERTIFICATE))


def _configured_elsewhere(view: View) -> list[Outcome]:
    """443 was dialled although a setting names another address, by a package with a copy of Neon's nested in it."""

    def went_past(outcome: Outcome) -> bool:
        predicted = {endpoint["port"] for endpoint in outcome["predicted"]}
        return _HTTPS_PORT not in predicted and ports_dialled(view, outcome) == {_HTTPS_PORT}

    if not {"NEON_WS_PROXY", "NEON_FETCH_ENDPOINT"} & set(view.variables):
        return []
    return view.where(is_of_the_database, over("websocket", "http"), _has_a_copy_of_its_own, went_past)


def _has_a_copy_of_its_own(outcome: Outcome) -> bool:
    return (
        f"{_NEON} in {_VERCEL}" in outcome.get("versions", {}) and outcome["driver"]["name"] in _BUILT_ON_IT
    )


def _of_its_own_copy(_view: View, outcome: Outcome) -> Change | None:
    if outcome["driver"]["name"] != _VERCEL:
        return None
    return Change(
        words="neonConfig of the copy within @vercel/postgres, as node.vercel sets it",
        probe="node.vercel",
        command="repro run --node --only node.vercel",
    )


def _with_placeholders(_view: View, outcome: Outcome) -> Change | None:
    if outcome["driver"]["name"] != _NEON or outcome["name"] == "node.neon-http":
        return None
    return Change(
        words="sql.query(text, values) in the place of sql(text, values), as node.neon-http has it",
        probe="node.neon-http",
        command="repro run --node --only node.neon-http",
    )


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="vr-duplicate-neon-package",
        layer="version-regression",
        title="neonConfig was set on another copy of Neon's package than the one that dials",
        summary="@vercel/postgres brings a copy of @neondatabase/serverless of its own, and neonConfig is each copy's own. What "
        "was set on the one beside it has no effect: port 443 of the database's host is dialled as if nothing were set.",
        suspects=_configured_elsewhere,
        symptoms={
            "@vercel/postgres": "connect ECONNREFUSED 127.0.0.1:443, although neonConfig.wsProxy is set"
        },
        apart={"sl-localhost-443": "a gateway is there and was named; it was never asked"},
        fix=(
            "Import neonConfig from the copy that @vercel/postgres resolves; npm ls @neondatabase/serverless shows them.",
            "Or have npm keep one copy, with overrides.",
        ),
        links=(
            "https://github.com/neondatabase/serverless/issues/133",
            "https://github.com/vercel/storage/issues/123",
        ),
        change=_of_its_own_copy,
    ),
    Cause(
        id="vr-pg8-sslmode-require",
        layer="version-regression",
        title="pg verifies the certificate where the URL says sslmode=require, and others do not",
        summary="Since version 8 pg takes prefer, require and verify-ca for verify-full. Another driver took the same certificate with "
        "the same URL, since require asks for encryption alone.",
        suspects=_verified_by_pg_alone,
        symptoms={
            "pg from 8": "SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "psycopg, asyncpg": "nothing: they encrypt and do not verify",
        },
        apart={"tls-untrusted-ca": "another driver took the same certificate by the same URL"},
        fix=(
            "Trust the authority: NODE_EXTRA_CA_CERTS, or sslrootcert in the URL.",
            "uselibpqcompat=true&sslmode=require, if encryption alone is what is wanted.",
        ),
        links=(
            "https://github.com/brianc/node-postgres/issues/2009",
            "https://github.com/brianc/node-postgres/issues/2375",
        ),
        ops=("tls.handshake",),
        change=as_libpq_does,
    ),
    Cause(
        id="vr-neon-1-tagged",
        layer="version-regression",
        title="Neon's package 1.0 takes SQL as a tagged template only",
        summary="Since 1.0 the function that neon() makes refuses a plain call; an older drizzle-orm, or older code, calls it so.",
        suspects=lambda view: view.where(
            is_of_the_database, says("can now be called only as a tagged-template function")
        ),
        symptoms={
            "drizzle-orm to 0.38 with @neondatabase/serverless 1": "This function can now be called only as a tagged-template function"
        },
        apart={"sl-localhost-443": "nothing was dialled"},
        fix=("Upgrade drizzle-orm, or call sql.query(text, values).",),
        links=(
            "https://github.com/neondatabase/serverless/issues/170",
            "https://github.com/drizzle-team/drizzle-orm/issues/5208",
        ),
        ops=(),
        change=_with_placeholders,
    ),
    Cause(
        id="vr-sa21-default-driver",
        layer="version-regression",
        title="SQLAlchemy 2.1 takes psycopg for postgresql://, and it is not installed",
        summary="Up to 2.0 postgresql:// stood for psycopg2, from 2.1 on for psycopg. Where only psycopg2 is installed, the engine "
        "cannot be made.",
        suspects=lambda view: view.where(
            is_of_the_database,
            says("No module named 'psycopg'"),
            lambda each: each["driver"]["name"] == "SQLAlchemy",
        ),
        symptoms={"SQLAlchemy from 2.1": "ModuleNotFoundError: No module named 'psycopg'"},
        apart={"cfg-sa-postgres-scheme": "the scheme is known; its driver is what is missing"},
        fix=("Name the driver: postgresql+psycopg2://, or install psycopg.",),
        links=("https://github.com/jupyterhub/jupyterhub/issues/5275",),
        ops=(),
    ),
)
