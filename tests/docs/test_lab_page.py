"""docs/lab.md: what it says the gateways answer is what they answer."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from repro.lab.process import Lab

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lab.md").read_text("utf-8")
EXCHANGES = re.findall(r"```http\n(.*?)```\n+```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def client(lab: Lab) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=lab.environment["SSL_CERT_FILE"])
    with httpx.Client(verify=trust, trust_env=False, timeout=20) as client:
        yield client


def test_the_gateways_answer_as_the_page_says(lab: Lab, client: httpx.Client) -> None:
    assert len(EXCHANGES) == 5
    for request, answer in EXCHANGES:
        head, body = request.split("\n\n", 1)
        (_, path), *headers = (line.split(" ", 1) for line in head.splitlines())
        named = {name.rstrip(":"): filled(value, lab) for name, value in headers}
        response = client.post(base(path, lab) + path, headers=named, content=body.strip())
        assert (response.status_code, response.json()) == (200, json.loads(answer)), request


def base(path: str, lab: Lab) -> str:
    """The gateway that serves a path."""
    if path == "/sql":
        return lab.environment["NEON_FETCH_ENDPOINT"].removesuffix("/sql")
    return lab.environment["UPSTASH_REDIS_REST_URL"]


def filled(value: str, lab: Lab) -> str:
    """A header's value with the lab's own in the place of the page's words in capitals."""
    value = value.replace("TOKEN", lab.environment["UPSTASH_REDIS_REST_TOKEN"])
    return lab.environment["DATABASE_URL"] if value.startswith("postgresql://") else value
