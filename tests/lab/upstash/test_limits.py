"""The limits of a small plan, on a gateway of one's own."""

from __future__ import annotations

import httpx
import pytest

from repro.lab.faults.own_gateway import own_gateway
from repro.lab.process import Lab
from repro.lab.upstash.app import Limits


@pytest.fixture
def headers(lab: Lab) -> dict[str, str]:
    """Those of a client that may write."""
    return {"Authorization": f"Bearer {lab.environment['UPSTASH_REDIS_REST_TOKEN']}"}


def test_one_request_too_many_is_refused_and_counted(lab: Lab, headers: dict[str, str]) -> None:
    with (
        own_gateway(lab, Limits(requests=2)) as url,
        httpx.Client(headers=headers, trust_env=False) as client,
    ):
        answers = [client.post(url, json=["ping"]) for _ in range(4)]
        stranger = client.post(url, json=["ping"], headers={"Authorization": "Bearer another"})

    assert [each.status_code for each in answers] == [200, 200, 400, 400]
    assert answers[3].json() == {"error": "ERR max daily request limit exceeded. Limit: 2, Usage: 4."}
    assert stranger.status_code == 401


def test_a_request_too_large_is_refused_with_its_size(lab: Lab, headers: dict[str, str]) -> None:
    with (
        own_gateway(lab, Limits(body_bytes=20)) as url,
        httpx.Client(headers=headers, trust_env=False) as client,
    ):
        small = client.post(url, content=b'["echo","12345678"]')
        large = client.post(url, content=b'["echo","1234567890"]')

    assert small.json() == {"result": "12345678"}
    assert large.status_code == 400
    assert large.json() == {"error": "ERR max request size exceeded. Limit: 20 bytes, Actual: 21"}
