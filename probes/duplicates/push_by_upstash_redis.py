"""upstash-redis: one RPUSH, with its defaults or with the settings that it is given on standard input."""

from __future__ import annotations

import json
import sys

try:
    from upstash_redis import Redis
except ImportError:
    print("upstash-redis is not installed")
    sys.exit()

order = json.load(sys.stdin)
try:
    Redis(order["url"], order["token"], **order["settings"]).rpush(order["key"], "only-once")
    print("succeeded")
except Exception as error:  # noqa: BLE001 - it is what is asked for
    print(type(error).__name__)
