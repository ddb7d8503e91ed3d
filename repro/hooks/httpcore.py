"""HTTP requests and responses of httpcore, which is what httpx speaks through, sync and async.

Requests are followed with httpcore's own ``trace`` extension; the connection's class says which socket they
go over. Only the method, the host, the path and the status leave: no query, no header, no body.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from repro.hooks import deadlines
from repro.hooks.dial import Dial
from repro.hooks.failures import failure_of
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

_Trace = Callable[[str, dict[str, Any]], Any]

_STEPS = frozenset(
    {"send_request_headers.started", "receive_response_headers.complete", "receive_response_headers.failed"}
)


def hook(httpcore: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch the connections of both protocol versions, sync and async."""
    watch = _Watch(recorder)
    for version in ("HTTP11", "HTTP2"):
        blocking = getattr(httpcore, f"{version}Connection")
        awaited = getattr(httpcore, f"Async{version}Connection")
        if not hasattr(blocking, "handle_request"):  # a place-holder: HTTP/2 needs h2 installed
            continue
        patches.wrap(blocking, "__init__", watch.made)
        patches.wrap(awaited, "__init__", watch.made)
        patches.wrap(blocking, "handle_request", watch.handle_request)
        patches.wrap(awaited, "handle_async_request", watch.handle_async_request)


class _Watch:
    """Knows which attempt led to each HTTP connection, and follows each request on it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._dials: weakref.WeakKeyDictionary[Any, Dial] = weakref.WeakKeyDictionary()

    def made(self, original: Callable[..., None]) -> Callable[..., None]:
        def __init__(connection: Any, origin: Any, stream: Any, *args: Any, **options: Any) -> None:  # noqa: N807
            original(connection, origin, stream, *args, **options)
            self._recorder.guarded(lambda: self._made(connection, stream))

        return __init__

    def handle_request(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(connection: Any, request: Any) -> Any:
            exchange = _Exchange(self._recorder, self._dials.get(connection), request)
            given = request.extensions
            theirs = given.get("trace")

            def trace(name: str, info: dict[str, Any]) -> None:
                exchange.traced(name, info)
                if theirs is not None:
                    theirs(name, info)

            request.extensions = {**given, "trace": trace}
            try:
                return original(connection, request)
            finally:
                request.extensions = given

        return handle_request

    def handle_async_request(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def handle_async_request(connection: Any, request: Any) -> Any:
            exchange = _Exchange(self._recorder, self._dials.get(connection), request)
            given = request.extensions
            theirs = given.get("trace")

            async def trace(name: str, info: dict[str, Any]) -> None:
                exchange.traced(name, info)
                if theirs is not None:
                    await theirs(name, info)

            request.extensions = {**given, "trace": trace}
            try:
                return await original(connection, request)
            finally:
                request.extensions = given

        return handle_async_request

    def _made(self, connection: Any, stream: Any) -> None:
        dial = self._recorder.dial_of(stream.get_extra_info("socket"))
        if dial is not None:
            self._dials[connection] = dial


class _Exchange:
    """One request and its response, told by the trace of httpcore.

    Args:
        recorder: where its events go.
        dial: the attempt that led to its connection, where that was seen.
        request: the request of httpcore.
    """

    def __init__(self, recorder: Recorder, dial: Dial | None, request: Any) -> None:
        self._recorder = recorder
        self._dial = dial
        self._request = request
        self._t0: float | None = None
        self._expired = deadlines.watch()

    def traced(self, name: str, info: Mapping[str, Any]) -> None:
        """Take in one step: ``http11.send_request_headers.started``, ``….failed``, and so on."""
        step = name.partition(".")[2]
        if step in _STEPS:
            self._recorder.guarded(lambda: self._step(step, info))

    def _step(self, step: str, info: Mapping[str, Any]) -> None:
        if step == "send_request_headers.started":
            self._t0 = time.monotonic()
            self._tell("http.request", None, None)
        elif step == "receive_response_headers.complete":
            status = _status(info["return_value"])
            self._tell("http.response", "http_status" if status >= 400 else None, None, http__status=status)
        elif step == "receive_response_headers.failed":
            self._tell("http.response", *failure_of(info["exception"], self._expired))

    def _tell(self, op: str, failure: str | None, errno: str | None, **fields: Any) -> None:
        url = self._request.url
        self._recorder.event(
            op,
            self._t0 or time.monotonic(),
            dial=self._dial,
            failure=failure,
            errno=errno,
            host=url.host.decode("ascii", "replace"),
            http__method=self._request.method.decode("ascii", "replace"),
            http__path=path_of(url.target.decode("ascii", "replace")),
            **fields,
        )


def path_of(target: str) -> str:
    """The path of a request target, without its query, and without the authority of an absolute one."""
    return urlsplit(target).path if "://" in target.partition("?")[0] else target.partition("?")[0]


def _status(answer: tuple[Any, ...]) -> int:
    """The status in what the two versions return: ``(version, status, …)`` or ``(status, headers)``."""
    return int(answer[1] if isinstance(answer[0], bytes) else answer[0])
