"""A small client of Chromium: it speaks the DevTools protocol over a pipe, and waits for nothing for ever.

The pipe is two descriptors, 3 to the browser and 4 from it, with JSON messages that end in a zero byte: no
port is opened, and no proxy of the environment can come in between.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEADLINE_S = 30.0
"""For each answer; a browser that starts on a busy machine takes a few seconds."""

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-crash-reporter", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip

KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
}


class BrowserError(Exception):
    """The browser did not answer in time, ended, or refused."""


def program() -> str | None:
    """Chromium's path, where there is one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _spawn(command: list[str], to_child: int, from_child: int) -> int:
    """Start a program in a session of its own, with the descriptors as its 3 and 4."""
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (to_child, from_child)]
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    ends = [(os.POSIX_SPAWN_DUP2, each, number) for each, number in zip(high, (3, 4), strict=True)]
    try:
        return os.posix_spawn(command[0], command, os.environ, file_actions=[*nowhere, *ends], setsid=True)
    finally:
        for each in high:
            os.close(each)


class Browser:
    """One Chromium with a folder of its own."""

    def __init__(self, path: str, folder: Path) -> None:
        to_child, self._write = os.pipe()
        self._read, from_child = os.pipe()
        self._pid = _spawn([path, *FLAGS, f"--user-data-dir={folder}", "about:blank"], to_child, from_child)
        os.close(to_child)
        os.close(from_child)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it with all of its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Ask, and wait for the answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for found in self._messages(time.monotonic() + DEADLINE_S, method):
            if found.get("id") == self._number:
                if "error" in found:
                    raise BrowserError(f"{method}: {found['error']}")
                result: dict[str, Any] = found["result"]
                return result
        raise AssertionError

    def wait_for(self, method: str, session: str) -> dict[str, Any]:
        """An event of a session, one that came already or the next."""
        known = [
            each for each in self.events if each["method"] == method and each.get("sessionId") == session
        ]
        if known:
            return known[0]
        for found in self._messages(time.monotonic() + DEADLINE_S, method):
            if found.get("method") == method and found.get("sessionId") == session:
                return found
        raise AssertionError

    def _messages(self, until: float, what: str) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._buffer:
                head, _, self._buffer = self._buffer.partition(b"\0")
                message: dict[str, Any] = json.loads(head)
                if "method" in message:
                    self.events.append(message)
                yield message
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"no answer to {what} within {DEADLINE_S} s")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise BrowserError(f"the browser ended before it answered {what}")
            self._buffer += data

    def open(self, address: str, *, scripts: bool = True, **media: str) -> Tab:
        """A page in a tab of its own, once it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.prefer(**media)
        tab.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        tab.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired", session)
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the page's session."""
        return self._browser.call(method, self._session, **params)

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def prefer(self, **features: str) -> None:
        """What the reader prefers, such as ``prefers_color_scheme="dark"``, or ``media="print"``."""
        media = features.pop("media", "")
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=told)

    def size(self, width: int, height: int) -> None:
        """The window, in CSS pixels; a narrow one is a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def do(self, expression: str) -> Any:
        """The value of an expression; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def settle(self) -> None:
        """Wait until what was asked for is on the screen."""
        self.do("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            code = KEYS[key]
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        self.settle()

    def complaints(self) -> list[str]:
        """What the console holds against the page: exceptions, errors, what its policy refused."""
        found = []
        for each in self._of_the_page():
            if each["method"] == "Runtime.exceptionThrown":
                found.append(str(each["params"]["exceptionDetails"]))
            elif each["method"] == "Log.entryAdded":
                found.append(str(each["params"]["entry"]))
            elif each["method"] == "Runtime.consoleAPICalled":
                found.append(str(each["params"]["args"]))
        return found

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [
            each["params"]["request"]["url"]
            for each in self._of_the_page()
            if each["method"] == "Network.requestWillBeSent"
        ]

    def _of_the_page(self) -> list[dict[str, Any]]:
        return [each for each in self._browser.events if each.get("sessionId") == self._session]

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        """The page as a picture, for a person."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pages_on_paper(self) -> bytes:
        """The page as a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])
