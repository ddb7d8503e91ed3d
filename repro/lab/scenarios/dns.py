"""Names and their addresses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from repro.lab.faults import resolver
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, of_the_lab, url, with_database_url


def _resolved_with(fault: str) -> Stage:
    """The lab, its database under a name that the resolver fails for."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with resolver.resolving(fault) as environment:
            changed = url(lab.environment["DATABASE_URL"], host=resolver.HOST)
            scene = of_the_lab(lab, *DATABASE, DATABASE_URL=changed)
            yield Scene(scene.variables, {**scene.environment, **environment})

    return stage


_DRIVERS = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="dns-nxdomain",
        cause="dns-nxdomain",
        title="the database's host does not exist",
        stage=with_database_url(host="db.invalid"),
        only=("tcp.*", "orm.*"),
        proof="confirmed",
    ),
    Scenario(
        name="dns-servfail",
        cause="dns-servfail",
        title="the resolver fails",
        stage=_resolved_with(resolver.SERVFAIL),
        only=(*_DRIVERS, "orm.sqlalchemy-asyncpg"),
        lacks=resolver.absent,
        proof="confirmed",
    ),
    Scenario(
        name="dns-timeout",
        cause="dns-timeout",
        title="the resolver does not answer",
        stage=_resolved_with(resolver.TIMEOUT),
        only=_DRIVERS,
        lacks=resolver.absent,
        proof="confirmed",
    ),
    Scenario(
        name="dns-nodata-v6only",
        cause="dns-nodata-v6only",
        title="the host has an IPv6 address alone, and the resolver is asked for none",
        stage=_resolved_with(resolver.NO_DATA),
        only=_DRIVERS,
        lacks=resolver.absent,
        proof="confirmed",
    ),
    Scenario(
        name="dns-nodata-v6only-unreachable",
        cause="dns-nodata-v6only",
        title="the host has an IPv6 address alone, and this machine has no way there",
        stage=_resolved_with(resolver.ONLY_V6),
        only=_DRIVERS,
        lacks=resolver.absent,
        proof="confirmed",
    ),
)
