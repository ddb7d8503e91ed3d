"""Names and their addresses."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario
from repro.lab.scenarios.targets import with_database_url

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="dns-nxdomain",
        cause="dns-nxdomain",
        title="the database's host does not exist",
        stage=with_database_url(host="db.invalid"),
        only=("tcp.*", "orm.*"),
    ),
)
