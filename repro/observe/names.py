"""The foreign hosts and users that a run met: of its settings, its traces and its outcomes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repro.document import Outcome
from repro.observe.process import overlaid
from repro.observe.run import Observation
from repro.persistence.dsn import MalformedUrl, Url, parse_url
from repro.persistence.endpoints import postgres_hosts
from repro.probe.secrets import URL_VARIABLES
from repro.redaction import Names

_HOSTS = ("PGHOST", "PGHOSTADDR")
_USERS = ("PGUSER",)
_OF_A_LINE = ("dns.name", "tls.sni", "host")
"""Fields of a trace line that hold a host's name."""


def met(
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    outcomes: Sequence[Outcome],
    events: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Names:
    """What of a run says whose target it is.

    Args:
        variables: the target's settings, under their environment names.
        environ: the probes' environment, of which drivers read some by themselves.
        outcomes: what the probes came to.
        events: the trace lines of each probe, by its name.
    """
    urls = list(_urls(variables, environ))
    hosts = [
        *(host for url in urls for host in _of_url(url, environ)),
        *(host for name in _HOSTS for host in environ.get(name, "").split(",")),
        *(endpoint["host"] for outcome in outcomes for endpoint in outcome["predicted"]),
        *(host for outcome in outcomes for host in _of_error(outcome)),
        *(host for lines in events.values() for line in lines for host in _of_line(line)),
    ]
    users = [
        *(user for url in urls for user in (url.user, url.query.get("user")) if user),
        *(environ[name] for name in _USERS if environ.get(name)),
    ]
    return Names(dict.fromkeys(hosts), dict.fromkeys(users))


def met_by(seen: Observation, inherited: Mapping[str, str | None]) -> Names:
    """The same, of what one observation saw.

    Args:
        seen: it.
        inherited: what its plan adds to the environment of the probes.
    """
    environ = {**overlaid(os.environ, inherited), **seen.environment}
    return met(seen.variables, environ, seen.outcomes, seen.events)


def _urls(variables: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[Url]:
    for name in URL_VARIABLES:
        for text in filter(None, (variables.get(name), environ.get(name))):
            try:
                yield parse_url(text if "://" in text else f"http://{text}")
            except MalformedUrl:
                continue


def _of_url(url: Url, environ: Mapping[str, str]) -> Iterator[str]:
    yield from (each.host for each in url.hosts)
    if url.scheme.startswith("postgres"):
        try:
            yield from (each.host for each in postgres_hosts(url, environ))
        except MalformedUrl:
            return


def _of_error(outcome: Outcome) -> Iterator[str]:
    """The host of the address at which it failed."""
    if outcome["error"] is not None and outcome["error"]["address"] is not None:
        yield outcome["error"]["address"].rpartition(":")[0]


def _of_line(line: Mapping[str, Any]) -> Iterator[str]:
    yield from (line[name] for name in _OF_A_LINE if isinstance(line.get(name), str))
    issuer = line.get("tls.issuer")
    if isinstance(issuer, str) and "." in issuer and " " not in issuer:  # of a certificate signed by itself
        yield issuer
    if isinstance(answers := line.get("dns.answers"), list):
        yield from (each for each in answers if isinstance(each, str))
    if (peer := line.get("peer")) is not None:
        yield peer["address"]
