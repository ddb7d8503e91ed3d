"""The lab's own settings with something changed: what most scenarios are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

from repro.lab.faults import Fault, FaultRelay
from repro.lab.faults.servers import Handler, serving
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scene, Stage

DATABASE = ("DATABASE_URL", "NEON_FETCH_ENDPOINT", "NEON_WS_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
QUEUE = (
    *("UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    *("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"),
)

_TRUST = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def of_the_lab(lab: Lab, *names: str, **changes: str) -> Scene:
    """Some of the lab's settings, some of them changed. Its certificates are trusted.

    Args:
        lab: a running one.
        names: the settings that are kept, such as `DATABASE`.
        changes: settings by their names.
    """
    known = {name: value for name, value in lab.environment.items() if name in (*names, *_TRUST)}
    trust: dict[str, str | None] = {name: known.pop(name) for name in _TRUST if name in known}
    return Scene({**known, **changes}, trust)


def url(
    of: str,
    *,
    host: str | None = None,
    port: int | None = None,
    user: str | None = None,
    password: str | None = None,
    path: str | None = None,
    query: str | None = None,
    scheme: str | None = None,
) -> str:
    """A URL with parts of it changed; an empty user or password takes it away."""
    parts = urlsplit(of)
    secret = parts.password if password is None else quote(password, safe="")
    credentials = ((parts.username if user is None else user) or "") + (f":{secret}" if secret else "")
    name = host or parts.hostname or ""
    where = f"[{name}]" if ":" in name else name
    netloc = f"{credentials}@{where}" if credentials else where
    number = port if port is not None else parts.port
    return parts._replace(
        scheme=scheme or parts.scheme,
        netloc=f"{netloc}:{number}" if number else netloc,
        path=parts.path if path is None else path,
        query=parts.query if query is None else query,
    ).geturl()


def with_database_url(**changes: str | int) -> Stage:
    """The lab, its database's URL changed as `url` does."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        changed = url(lab.environment["DATABASE_URL"], **changes)  # type: ignore[arg-type]
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


def with_redis_url(**changes: str | int) -> Stage:
    """The lab's queue, its Redis URL changed as `url` does."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        changed = url(lab.environment["UPSTASH_REDIS_URL"], **changes)  # type: ignore[arg-type]
        yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=changed)

    return stage


def with_environment(stage: Stage, variables: Mapping[str, str | None]) -> Stage:
    """Another scene, with other variables in the probes' environment."""

    @contextlib.contextmanager
    def changed(lab: Lab) -> Iterator[Scene]:
        with stage(lab) as scene:
            yield Scene(scene.variables, {**scene.environment, **variables})

    return changed


def database_served_by(handler: Handler, query: str = "sslmode=disable", host: str = "127.0.0.1") -> Stage:
    """Something else than Postgres at the address of the database."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with serving(handler) as port:
            changed = url(lab.environment["DATABASE_URL"], host=host, port=port, query=query)
            yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


def database_behind(fault: Fault, query: str = "sslmode=disable") -> Stage:
    """The lab's Postgres behind a relay with a fault in it, without TLS."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        direct = lab.environment["DATABASE_URL"]
        with FaultRelay(("127.0.0.1", urlsplit(direct).port or 0), fault) as relay:
            changed = url(direct, host="127.0.0.1", port=relay.port, query=query)
            yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage
