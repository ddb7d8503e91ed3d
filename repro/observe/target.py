"""The target of a run as the document says it: hosts, ports and kinds, and nothing that is secret.

What stands here is chosen piece by piece; a URL is never written and then cleaned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from repro.persistence import endpoints
from repro.persistence.dsn import MalformedUrl, parse_url
from repro.persistence.settings import Settings
from repro.probe.request import judged

HARMLESS_PARAMETERS = frozenset({"sslmode", "channel_binding", "connect_timeout", "gssencmode", "pgbouncer"})
"""Parameters of a URL whose values say something about a failure and nothing about a person."""


def describe(
    kind: str,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    sources: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """The ``target`` of a run document.

    Args:
        kind: ``lab`` or ``env``.
        variables: the settings, under their environment names; judged already.
        environ: where libpq's own variables are looked up.
        sources: where each setting came from, as ``DATABASE_URL at .env:3``.
        notes: what was overridden or left aside, a sentence each.
    """
    settings = judged(variables, environ)
    return {
        "kind": kind,
        "database": _database(settings, environ),
        "queue": _queue(settings),
        "sources": list(sources),
        "notes": list(notes),
    }


def _database(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any] | None:
    if settings.database_url is None:
        return None
    text = settings.database_url
    url = parse_url(text)
    return {
        "endpoints": _urls(lambda: endpoints.tcp_endpoints(text, environ)),
        "parameters": {
            name: value if name in HARMLESS_PARAMETERS else "[set]" for name, value in url.query.items()
        },
        "neon_http": _urls(lambda: [endpoints.http_endpoint(text, settings.neon_fetch_endpoint)]),
        "neon_websocket": _urls(lambda: [endpoints.websocket_endpoint(text, settings.neon_ws_proxy)]),
    }


def _urls(derive: Callable[[], Sequence[endpoints.Endpoint]]) -> list[str]:
    """The URLs that are derived from the settings; none where they contradict each other."""
    try:
        return [each.url for each in derive()]
    except MalformedUrl:
        return []


def _queue(settings: Settings) -> dict[str, Any]:
    redis = None if settings.redis_url is None else endpoints.redis_endpoint(settings.redis_url).url
    rest = None if settings.rest_url is None else endpoints.rest_endpoint(settings.rest_url).url
    return {"redis_tcp": redis, "upstash_rest": rest}
