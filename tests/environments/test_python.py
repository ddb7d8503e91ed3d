"""Environments that uv builds, without the network: a package that is made here."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uv

from repro.environments.installer import Stopped
from repro.environments.pins import parse
from repro.environments.python import NotInstallable, provide


def wheel(folder: Path, version: str) -> None:
    name = f"txrepro_made-{version}"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as file:
        file.writestr("txrepro_made.py", f"version = {version!r}\n")
        info = f"{name}.dist-info"
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: txrepro-made\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.0.0", "1.0.5", "2.0.0"):
        wheel(wheels, version)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(wheels),
    }


def silent(_what: str) -> None:
    pass


def imported(interpreter: Path) -> str:
    done = subprocess.run(
        [interpreter, "-c", "import txrepro_made; print(txrepro_made.version)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_an_environment_has_what_was_asked_for_and_nothing_of_ours(environ: Mapping[str, str]) -> None:
    found = provide(parse("txrepro-made=1.0"), [], environ, silent)
    assert found.versions == {"txrepro-made": "1.0.5"}
    assert imported(found.interpreter) == "1.0.5"
    ours = subprocess.run([found.interpreter, "-c", "import psycopg"], capture_output=True, check=False)
    assert ours.returncode == 1


def test_a_needed_package_takes_the_version_of_its_pin(environ: Mapping[str, str]) -> None:
    found = provide(parse("txrepro_made=1.0.0"), ["txrepro-made"], environ, silent)
    assert found.versions == {"txrepro-made": "1.0.0"}


def test_it_is_built_once_also_by_two_at_a_time(environ: Mapping[str, str]) -> None:
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(provide, parse("txrepro-made=2.0.0"), [], environ, told.append) for _ in range(2)]
        first, second = (each.result() for each in both)
    assert first == second
    assert told == ["installing txrepro-made==2.0.0"]


def test_what_cannot_be_had_says_why_on_one_line(environ: Mapping[str, str]) -> None:
    with pytest.raises(NotInstallable) as caught:
        provide(parse("txrepro-made=3.0.0"), [], environ, silent)
    assert "txrepro-made" in str(caught.value)
    assert "\n" not in str(caught.value)
    cache = Path(environ["XDG_CACHE_HOME"]) / "txrepro" / "python"
    assert [each.suffix for each in cache.iterdir()] == [".lock"], "nothing half built is left"


def test_an_interpreter_that_is_not_here_is_not_downloaded(environ: Mapping[str, str]) -> None:
    with pytest.raises(NotInstallable, match=r"3\.99"):
        provide(parse("python=3.99"), [], environ, silent)


def test_the_latest_is_looked_up_again_the_next_day(
    environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = provide(parse("txrepro-made=latest"), [], environ, silent)
    wheel(Path(environ["UV_FIND_LINKS"]), "3.0.0")
    assert provide(parse("txrepro-made=latest"), [], environ, silent) == found
    monkeypatch.setattr("repro.environments.python.time.strftime", lambda *_: "2199-01-01")
    assert provide(parse("txrepro-made=latest"), [], environ, silent).versions == {"txrepro-made": "3.0.0"}


def test_a_build_that_is_stopped_leaves_nothing(environ: Mapping[str, str]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        provide(parse("txrepro-made=1.0.0"), [], environ, silent, stop)
    cache = Path(environ["XDG_CACHE_HOME"]) / "txrepro" / "python"
    assert [each.suffix for each in cache.iterdir()] == [".lock"]


def test_uv_is_found_by_one_thread_at_a_time(
    environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = uv.find_uv_bin()
    together = threading.Barrier(2)

    def find() -> str:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.2)  # the other one comes only where nothing holds it back
            met.append(True)
        return found

    met: list[bool] = []
    monkeypatch.setattr(uv, "find_uv_bin", find)
    with ThreadPoolExecutor(2) as pool:
        pins = parse("txrepro-made=1.0.0,2.0.0")
        both = [pool.submit(provide, [pin], [], environ, silent) for pin in pins]
    assert all(each.result() for each in both)
    assert not met
