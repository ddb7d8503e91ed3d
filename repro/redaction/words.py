"""Words that are never searched for as secrets, although somebody may have chosen one as a password.

They stand in every document for reasons of their own: a password ``postgres`` cannot be told from the driver,
the user or the database of that name. Where such a word is a password it is kept out by its field.
"""

from __future__ import annotations

PUBLIC_WORDS = frozenset(
    """
    admin application async asyncio asyncpg authentication authorization celerp client cluster
    commit connection database dbname default development driver error example false host hostname
    http https httpx interactive ioredis jobs json lab libpq library linux local localhost main neon
    node none null openssl orchestration orchestrations outbox passwd password pgbouncer pipeline
    platform pool pooler port postgres postgresql postgresql16 postgresql17 postgresql18 production
    proxy psycopg psycopg2 public push python python3 queue redacted redis redis-py rediss repro
    rollback root schema secret select server serverless session socket sqlalchemy sslmode staging
    standard stdlib superuser test testing tests token transaction transport true txrepro unix
    upstash upstash-redis user username uvloop valkey vercel websocket websockets

    address answers applied atomicity attempts authenticate backends baseline because begin broken
    cannot_see cause chain change changed cleanup code command commit-ambiguity config confirmed
    connect crash detail duration_ms duration_s effect environment errno event events evidence
    experiment fail failed failure findings held inconclusive insert layer links message name names
    not_applicable not_checked notes operation origin pass peer predicted probe probes proof
    protocol read_back reason redis-tcp refuted resolve ruled_out run_id running runs
    serverless-http skip sources sqlstate stage stages started_at startup-auth statements status
    summary target timeout title text tool type unknown untested upgrade upstash-rest uuid verdict
    version version-regression versions visibility wall_clock_origin
    conn xids

    auth_failed config_invalid connection_refused connection_reset dns_failure dns_nxdomain
    driver_crash duplicate_effect host_unreachable http_status not_atomic pool_exhausted
    protocol_mismatch redis_error sql_error tls_expired tls_hostname_mismatch tls_protocol
    tls_unknown_authority unknown_failure unsupported ws_closed ws_handshake
    """.split()  # noqa: SIM905 - a list of 200 strings is no better to read
)
