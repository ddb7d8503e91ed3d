"""From settings to a store: which driver, which transports, and pools of both.

Each driver and transport is imported here only when it is asked for.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from repro.persistence.pool import DEFAULT_SIZE, AsyncPool, Pool
from repro.persistence.queue import DEDUPLICATION_WINDOW_S, fingerprint
from repro.persistence.settings import Settings
from repro.persistence.store import (
    DEFAULT_QUEUE,
    AsyncOrchestrationPersistence,
    OrchestrationPersistence,
)

DRIVERS = ("psycopg", "sqlalchemy", "neon_http", "neon_websocket", "raw")
"""What `connect` takes; each is a module in ``repro.persistence.drivers``."""

ASYNC_DRIVERS = ("asyncpg", "psycopg", "sqlalchemy", "neon_http", "neon_websocket")
"""What `connect_async` takes."""


def connect(
    settings: Settings,
    driver: str = "psycopg",
    *,
    size: int = DEFAULT_SIZE,
    queue_name: str = DEFAULT_QUEUE,
    window_s: int = DEDUPLICATION_WINDOW_S,
    schema: str = "public",
) -> OrchestrationPersistence:
    """A store on the database and the queue of an environment; it dials when it is first used.

    Over Redis TCP where ``UPSTASH_REDIS_URL`` is set, with REST as its fallback where that is set too; else
    over REST; without either it creates jobs and leaves the push to others.

    Args:
        settings: such as ``Settings.from_environment(os.environ)``.
        driver: one of `DRIVERS`.
        size: how many connections at most to the database, and to each endpoint of the queue.
        queue_name: the key of the list.
        window_s: for how many seconds a job that has been queued is recognised.
        schema: where the tables are.

    Raises:
        SettingsError: if there is no database.
        ValueError: if there is no such driver, no connection, or the queue has no name or no window.
        ImportError: if the driver's package is not installed.
    """
    module = _driver(driver, DRIVERS, ASYNC_DRIVERS, "connect_async")
    queues = [Pool(opener, size=size, server=server) for opener, server in _transports(settings, "connect")]
    return OrchestrationPersistence(
        Pool(_opener(module, "connect", settings), size=size),
        **_queues(settings, queues),
        queue_name=queue_name,
        window_s=window_s,
        schema=schema,
    )


def connect_async(
    settings: Settings,
    driver: str = "asyncpg",
    *,
    size: int = DEFAULT_SIZE,
    queue_name: str = DEFAULT_QUEUE,
    window_s: int = DEDUPLICATION_WINDOW_S,
    schema: str = "public",
) -> AsyncOrchestrationPersistence:
    """`connect` for a store that is awaited; it awaits nothing itself.

    Args:
        settings: such as ``Settings.from_environment(os.environ)``.
        driver: one of `ASYNC_DRIVERS`.
        size: how many connections at most to the database, and to each endpoint of the queue.
        queue_name: the key of the list.
        window_s: for how many seconds a job that has been queued is recognised.
        schema: where the tables are.
    """
    module = _driver(driver, ASYNC_DRIVERS, DRIVERS, "connect")
    name = "connect_async" if hasattr(module, "connect_async") else "connect"
    queues = [
        AsyncPool(opener, size=size, server=server)
        for opener, server in _transports(settings, "connect_async")
    ]
    return AsyncOrchestrationPersistence(
        AsyncPool(_opener(module, name, settings), size=size),
        **_queues(settings, queues),
        queue_name=queue_name,
        window_s=window_s,
        schema=schema,
    )


def _driver(name: str, known: tuple[str, ...], others: tuple[str, ...], theirs: str) -> Any:
    if name not in known:
        instead = f"; {theirs} takes it" if name in others else ""
        raise ValueError(f"there is no driver {name!r} here{instead}; there are {', '.join(known)}")
    return import_module(f"repro.persistence.drivers.{name}")


def _opener(module: Any, function: str, settings: Settings) -> Any:
    endpoints = {
        "neon_http": settings.neon_fetch_endpoint,
        "neon_websocket": settings.neon_ws_proxy,
    }
    own = module.__name__.rpartition(".")[2]
    given = {"endpoint": endpoints[own]} if own in endpoints else {}
    return partial(
        getattr(module, function), settings.require_database(), timeouts=settings.timeouts, **given
    )


def _transports(settings: Settings, function: str) -> list[tuple[Any, Any]]:
    """How each configured endpoint of the queue is opened, the preferred one first."""
    found: list[tuple[Any, Any]] = []
    if settings.redis_url is not None:
        found.append(_transport("redis_tcp", function, settings, settings.redis_url))
    if settings.rest_url is not None:
        found.append(
            _transport("upstash_rest", function, settings, settings.rest_url, str(settings.rest_token))
        )
    return found


def _transport(name: str, function: str, settings: Settings, *where: str) -> tuple[Any, Any]:
    module = import_module(f"repro.persistence.transports.{name}")
    return partial(getattr(module, function), *where, timeouts=settings.timeouts), module.SERVER


def _queues(settings: Settings, pools: list[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {
        "timeouts": settings.timeouts,
        **dict(zip(("queue", "fallback"), pools, strict=False)),
    }
    if "fallback" in named:
        named["endpoint"] = fingerprint(str(settings.redis_url))
    return named
