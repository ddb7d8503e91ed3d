"""Proxies in the environment."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from repro.lab.faults.servers import Handler, answering, serving
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, QUEUE, of_the_lab, url

_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY")

_PAGE = "<!DOCTYPE html><html><body><h1>Please log in to use this network</h1></body></html>"


def _proxied(scene: Scene, **proxies: str) -> Scene:
    """The scene with these proxies in its environment, and with no other."""
    none = {each: None for name in _NAMES for each in (name, name.lower())}
    return Scene(scene.variables, {**scene.environment, **none, **proxies})


def _behind(handler: Handler, *, plain: bool = False) -> Stage:
    """The lab, and a proxy in the environment that answers so."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with serving(handler) as port:
            proxy = f"http://127.0.0.1:{port}"
            scene = of_the_lab(lab, *DATABASE, *QUEUE, **(lab.plain if plain else {}))
            yield _proxied(scene, HTTP_PROXY=proxy, HTTPS_PROXY=proxy)

    return stage


@contextlib.contextmanager
def _gone(lab: Lab) -> Iterator[Scene]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{held.getsockname()[1]}"
        yield _proxied(of_the_lab(lab, *DATABASE, *QUEUE), HTTP_PROXY=proxy, HTTPS_PROXY=proxy)


@contextlib.contextmanager
def _socks(lab: Lab) -> Iterator[Scene]:
    yield _proxied(of_the_lab(lab, *DATABASE, *QUEUE), ALL_PROXY="socks5://127.0.0.1:1080")


@contextlib.contextmanager
def _page_at_the_endpoint(lab: Lab) -> Iterator[Scene]:
    with serving(answering("200 OK", _PAGE)) as port:
        there = f"http://127.0.0.1:{port}"
        endpoint = url(lab.plain["NEON_FETCH_ENDPOINT"], host="127.0.0.1", port=port)
        scene = of_the_lab(lab, *DATABASE, *QUEUE, UPSTASH_REDIS_REST_URL=there, NEON_FETCH_ENDPOINT=endpoint)
        yield _proxied(scene)


_OVER_HTTP = ("http.neon", "push.upstash-rest")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="px-env-hijacks-local",
        cause="px-env-hijacks-local",
        title="HTTPS_PROXY takes the calls to localhost, and refuses them",
        stage=_behind(answering("403 Forbidden", "")),
        only=(*_OVER_HTTP, "ws.neon", "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="px-env-hijacks-local-plain",
        cause="px-env-hijacks-local",
        title="HTTP_PROXY takes the calls to localhost, and refuses them",
        stage=_behind(answering("403 Forbidden", ""), plain=True),
        only=(*_OVER_HTTP, "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="px-env-down",
        cause="px-env-down",
        title="the proxy of the environment does not run",
        stage=_gone,
        only=(*_OVER_HTTP, "ws.neon", "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="px-socks-extra-missing",
        cause="px-socks-extra-missing",
        title="ALL_PROXY names a SOCKS proxy, and httpx has no package for it",
        stage=_socks,
        only=(*_OVER_HTTP, "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="px-captive-html",
        cause="px-captive-html",
        title="a proxy answers with a page to log in",
        stage=_behind(answering("200 OK", _PAGE), plain=True),
        only=(*_OVER_HTTP, "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="px-captive-html-direct",
        cause="px-captive-html",
        title="a page comes where the answers of the API should, and no proxy is set",
        stage=_page_at_the_endpoint,
        only=_OVER_HTTP,
    ),
)
