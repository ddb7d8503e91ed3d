"""What makes two failures the same, from one version to another."""

from __future__ import annotations

from repro.versions.trial import signature
from tests.diagnose.test_undiagnosed import outcome


def test_the_port_of_somebody_who_answered_is_no_part_of_a_failure() -> None:
    refused = outcome("ws.neon", "fail")
    answered = outcome("ws.neon", "fail", failure="http_status", address="127.0.0.1:45451")
    assert signature(refused) == "tcp/connect/connection_refused/443"
    assert signature(answered) == "tcp/connect/http_status"
