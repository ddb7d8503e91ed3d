"""Paths of URLs without what may be a token, an id or an argument."""

from __future__ import annotations

import re
from typing import Final

from repro.wire.message import HIDDEN

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_WORD: Final = re.compile(r"[a-z]{1,7}|[a-z]{1,3}-[a-z]{1,3}|v\d{1,2}")
_HEX: Final = re.compile(r"[a-f]{6,}")
_KNOWN: Final = frozenset(
    {"pipeline", "multi-exec", "transaction", "subscribe", "publish", "graphql", "webhook"}
)
_COMMAND_WORDS: Final = """
append auth bitcount decr decrby del echo eval evalsha exists expire get getdel getset hdel hget hgetall
hincrby hmget hmset hset hello incr incrby keys lindex llen lpop lpush lrange lrem lset ltrim mget mset
persist ping publish rpop rpush sadd scan script set setex setnx sismember smembers srem ttl type xack
xadd xlen xrange xread zadd zrange zrem zscore
"""
_COMMANDS: Final = frozenset(_COMMAND_WORDS.split())
"""Upstash takes a command in the path, its arguments as segments: https://upstash.com/docs/redis/features/restapi"""

_SEGMENTS: Final = 16


def shown_path(target: str) -> str:
    """The path of a request's target, without origin and query; what is no short plain word is ``…``."""
    path = re.split(r"[?#]", _ORIGIN.sub("", target, count=1), maxsplit=1)[0]
    if path == "*":
        return path
    if not path.startswith("/"):
        return HIDDEN if path else "/"
    segments = path[1:].split("/")
    if segments[0].lower() in _COMMANDS and len(segments) > 1:
        return f"/{segments[0].lower()}/{HIDDEN}"
    shown = [_shown(segment) for segment in segments[:_SEGMENTS]]
    return "/" + "/".join(shown) + (f"/{HIDDEN}" if len(segments) > _SEGMENTS else "")


def _shown(segment: str) -> str:
    plain = not segment or segment in _KNOWN or (_WORD.fullmatch(segment) and not _HEX.fullmatch(segment))
    return segment if plain else HIDDEN
