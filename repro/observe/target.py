"""The target of a run as the document says it: hosts, ports and kinds, and nothing that is secret.

What stands here is chosen piece by piece; a URL is never written and then cleaned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.persistence import endpoints
from repro.persistence.dsn import parse_url
from repro.persistence.settings import Settings
from repro.probe.request import judged

HARMLESS_PARAMETERS = frozenset({"sslmode", "channel_binding", "connect_timeout", "gssencmode", "pgbouncer"})
"""Parameters of a URL whose values say something about a failure and nothing about a person."""


def describe(
    kind: str, variables: Mapping[str, str], environ: Mapping[str, str], sources: Mapping[str, str]
) -> dict[str, Any]:
    """The ``target`` of a run document.

    Args:
        kind: ``lab`` or ``env``.
        variables: the settings, under their environment names; judged already.
        environ: where libpq's own variables are looked up.
        sources: where each setting came from, in words, by its name.
    """
    settings = judged(variables, environ)
    return {
        "kind": kind,
        "database": _database(settings, environ),
        "queue": _queue(settings),
        "sources": dict(sources),
    }


def _database(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any] | None:
    if settings.database_url is None:
        return None
    url = parse_url(settings.database_url)
    return {
        "endpoints": [each.url for each in endpoints.tcp_endpoints(settings.database_url, environ)],
        "parameters": {
            name: value if name in HARMLESS_PARAMETERS else "[set]" for name, value in url.query.items()
        },
        "neon_http": endpoints.http_endpoint(settings.database_url, settings.neon_fetch_endpoint).url,
        "neon_websocket": endpoints.websocket_endpoint(settings.database_url, settings.neon_ws_proxy).url,
    }


def _queue(settings: Settings) -> dict[str, Any]:
    redis = None if settings.redis_url is None else endpoints.redis_endpoint(settings.redis_url).url
    rest = None if settings.rest_url is None else endpoints.rest_endpoint(settings.rest_url).url
    return {"redis_tcp": redis, "upstash_rest": rest}
