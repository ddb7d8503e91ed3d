"""Runs one probe as a process: request in, lines out, one outcome, whatever happens."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import importlib.metadata
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import ModuleType
from typing import Any, NoReturn

from repro import hooks
from repro.events import Peer
from repro.persistence.errors import SettingsError
from repro.probe import network, turns
from repro.probe.channel import Channel
from repro.probe.conversation import Close, Conversation, Open, hold, hold_async
from repro.probe.outcome import applied, ended, error_record
from repro.probe.recorder import Recorder
from repro.probe.request import PARENT_VARIABLE, Request, RequestError, receive
from repro.probe.secrets import redactor_for
from repro.probe.trial import Probe, RepeatableTrial, Trial, atomicity

PASS, FAIL, USAGE, SKIP = 0, 1, 2, 3


def main(probe: Probe) -> NoReturn:
    """Run a probe's script to its end and leave the process.

    Standard output carries the probe protocol and nothing else. The exit code is 0 for pass, 1 for fail, 2
    for a request or a setting that cannot be used, 3 for skip; whoever reads the protocol needs none of them.
    """
    _die_with_the_parent()
    channel = Channel.take_standard_output()
    module, missing = _load(probe.uses)
    try:
        request = receive()
        os.environ.update(request.environment)
        settings = request.settings
    except (RequestError, SettingsError) as error:
        sys.stderr.write(f"{probe.name}: {error}\n")
        sys.exit(USAGE)
    channel.conceal(redactor_for(request.variables, os.environ, request.salt))
    reason = missing or probe.missing() or probe.not_configured(settings)
    if module is None or reason:
        sys.exit(_skip(channel, probe, request, str(reason)))
    sys.exit((_remove if request.remove else _try)(channel, probe, request, module))


def _die_with_the_parent() -> None:
    """On Linux, be killed when the parent dies, however it dies."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    if str(os.getppid()) != parent:  # it died before the call
        os.kill(os.getpid(), signal.SIGKILL)


def _load(name: str) -> tuple[ModuleType | None, str | None]:
    """The driver's module, loaded before the request arrives: meanwhile the lab starts."""
    try:
        return importlib.import_module(name), None
    except ImportError as error:
        return None, f"the driver cannot be imported: {error}"


def _hello(channel: Channel, probe: Probe, request: Request, versions: Mapping[str, str]) -> dict[str, Any]:
    body = {
        "probe": probe.name,
        "driver": _driver(probe),
        "transport": probe.transport,
        "versions": dict(versions),
        "stages": list(probe.stages),
        "clock_origin": request.origin,
        "pid": os.getpid(),
    }
    channel.send("hello", body)
    return body


def _driver(probe: Probe) -> dict[str, str | None]:
    if probe.driver is not None:
        return probe.driver()
    if probe.package is None:
        return {"name": "standard library", "version": platform.python_version()}
    try:
        return {"name": probe.package, "version": importlib.metadata.version(probe.package)}
    except importlib.metadata.PackageNotFoundError:
        return {"name": probe.package, "version": None}


def _skip(channel: Channel, probe: Probe, request: Request, reason: str) -> int:
    _hello(channel, probe, request, {})
    channel.send("outcome", _outcome(probe, status="skip", reason=reason))
    return SKIP


def _remove(channel: Channel, probe: Probe, request: Request, module: ModuleType) -> int:
    """Remove what an earlier process made; nothing is probed, so nothing looks on."""
    recorder = Recorder(channel, request.origin)
    _hello(channel, probe, request, {})
    trial = probe.trial(request, recorder)
    error = _hold(channel, probe, trial, trial.take_over(), lambda: probe.connect(module, request))
    channel.send("outcome", _outcome(probe, status="pass" if error is None else "fail", error=error))
    return PASS if error is None else FAIL


def _try(channel: Channel, probe: Probe, request: Request, module: ModuleType) -> int:
    recorder = Recorder(channel, request.origin)
    versions = probe.versions()
    _hello(channel, probe, request, versions)
    trial = probe.trial(request, recorder)
    started = time.monotonic()
    predicted, error = _predicted(channel, probe, request, recorder)
    if error is None:
        uninstall = hooks.install(recorder.event, ignore=_is_inner_hop if probe.tunnelled else None)
        try:
            text = _text(channel, request, trial, uninstall)
            error = _hold(channel, probe, trial, text, lambda: probe.connect(module, request))
        finally:
            uninstall()
    outcome = _outcome(
        probe,
        status="pass" if error is None else "fail",
        predicted=predicted,
        duration_ms=round((time.monotonic() - started) * 1000, 3),
        stages=ended(recorder.stages, probe.stages, error, recorder.now()),
        error=error,
        atomicity=trial.atomicity,
        applied=applied(recorder.stages, error, probe.writing),
        versions={**versions, **trial.versions},
        notes=trial.notes,
    )
    channel.send("outcome", outcome)
    return PASS if error is None else FAIL


def _text(channel: Channel, request: Request, trial: Trial, unwatch: Callable[[], None]) -> Conversation:
    """What is said to the driver: the whole probe, or turns where they are asked for and it can take them."""
    if request.turns and isinstance(trial, RepeatableTrial):
        return turns.taken(trial, channel, unwatch)
    return trial.converse()


def _predicted(
    channel: Channel, probe: Probe, request: Request, recorder: Recorder
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """What will be dialled, told before any packet; or why it cannot be said, and so cannot be dialled."""
    try:
        predicted = [asdict(endpoint) for endpoint in probe.predict(request)]
    except ValueError as error:
        return [], error_record(error, recorder, probe.stages, batch=probe.batch)
    channel.send("predicted", {"predicted": predicted})
    return predicted, None


def _is_inner_hop(peer: Peer) -> bool:
    """The tunnel's inner end, a Unix socket of the driver's own, is never an attempt."""
    return peer.port is None


def _hold(
    channel: Channel, probe: Probe, trial: Trial, text: Conversation, connect: Any
) -> dict[str, Any] | None:
    """Hold the trial's conversation; answers with the error record, or None when all is well."""
    errors: list[dict[str, Any]] = []
    conversation = _whole(channel, probe, trial, text, errors)
    if probe.asynchronous:
        asyncio.run(hold_async(conversation, connect))
    else:
        hold(conversation, connect)
    return errors[0] if errors else None


def _whole(
    channel: Channel, probe: Probe, trial: Trial, text: Conversation, errors: list[dict[str, Any]]
) -> Conversation:
    """The trial, then its cleaning up, then the end.

    After a failure the error is told at once, because cleaning up may hang, and the cleaning is done on a
    connection of its own, because the old one may be dead.
    """
    yield from _tried(probe, trial, errors, text)
    failed = bool(errors)
    if failed:
        channel.send("error", errors[0])
        yield from _tried(probe, trial, errors, _close())
    if not failed or trial.has_written or applied(trial.recorder.stages, errors[0], probe.writing) != "no":
        if failed:
            yield from _tried(probe, trial, errors, _reopen())
        yield from _tried(probe, trial, errors, trial.clean_up())
        if trial.leavings and not trial.recorder.passed("cleanup"):
            trial.notes.append(f"left behind: {trial.leavings}")
    yield from _tried(probe, trial, errors, _close())
    _see_the_network(probe, trial.recorder)


def _tried(
    probe: Probe, trial: Trial, errors: list[dict[str, Any]], conversation: Conversation
) -> Conversation:
    try:
        yield from conversation
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the result
        record = error_record(error, trial.recorder, probe.stages, batch=probe.batch)
        errors.append(record)
        if trial.recorder.running() == "cleanup":
            trial.recorder.end("cleanup", "fail", failure=record["failure"])


def _reopen() -> Conversation:
    yield Open()


def _close() -> Conversation:
    yield Close()


def _see_the_network(probe: Probe, recorder: Recorder) -> None:
    for stage in network.stages(recorder.events, probe.transport, recorder.since_start):
        if stage["name"] not in recorder.stages:
            recorder.put(stage)


def _outcome(probe: Probe, *, status: str, **found: Any) -> dict[str, Any]:
    """The outcome, every key of the contract present; the runner adds where the events are."""
    nothing: dict[str, Any] = {
        "name": probe.name,
        "driver": _driver(probe),
        "transport": probe.transport,
        "predicted": [],
        "status": status,
        "reason": None,
        "duration_ms": 0.0,
        "stages": [],
        "error": None,
        "atomicity": atomicity("not_checked"),
        "applied": "no",
        "versions": {},
        "notes": [],
    }
    return {**nothing, **found}
