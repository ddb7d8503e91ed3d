"""What another version of a package does otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene
from repro.lab.scenarios.targets import of_the_lab, url
from repro.lab.scenarios.websocket import as_it_is


@contextlib.contextmanager
def _encryption_alone(lab: Lab) -> Iterator[Scene]:
    """sslmode=require, and nobody trusts the lab's authority."""
    changed = url(lab.environment["DATABASE_URL"], query="sslmode=require")
    scene = of_the_lab(lab, DATABASE_URL=changed, POSTGRES_URL=changed)
    yield Scene(scene.variables, {"SSL_CERT_FILE": None, "NODE_EXTRA_CA_CERTS": None})


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="vr-duplicate-neon-package",
        cause="vr-duplicate-neon-package",
        title="neonConfig is set on the copy beside @vercel/postgres, not within it",
        stage=as_it_is,
        only=("specimen.node-vercel-other-config",),
        proof="confirmed",
    ),
    Scenario(
        name="vr-neon-1-tagged",
        cause="vr-neon-1-tagged",
        title="Neon's package 1.x is called as 0.x was",
        stage=as_it_is,
        only=("specimen.node-neon-called",),
        proof="confirmed",
    ),
    Scenario(
        name="vr-pg8-sslmode-require",
        cause="vr-pg8-sslmode-require",
        title="sslmode=require before a certificate that nobody vouches for",
        stage=_encryption_alone,
        only=("tcp.psycopg", "node.pg", "node.drizzle-pg"),
        explains=("node.pg", "node.drizzle-pg"),
        proof="confirmed",
    ),
)
