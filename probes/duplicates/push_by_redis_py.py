"""redis-py: one RPUSH, with its defaults or with the settings that it is given on standard input.

``Redis(host=…)`` and ``Redis.from_url(…)`` differ in their defaults: only the first one retries.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def client(url: str, settings: dict[str, Any]) -> redis.Redis:
    """The client that is asked for."""
    if settings.get("from_url"):
        return redis.Redis.from_url(url)
    parts = urlsplit(url)
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), settings["retry"])} if "retry" in settings else {}
    return redis.Redis(
        host=parts.hostname or "localhost",
        port=parts.port or 6379,
        password=unquote(parts.password or "") or None,
        **options,
    )


order = json.load(sys.stdin)
try:
    client(order["url"], order["settings"]).rpush(order["key"], "only-once")
    print("succeeded")
except redis.RedisError as error:
    print(type(error).__name__)
