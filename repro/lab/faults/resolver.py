"""A resolver that fails, for one name and for the probes alone: no file of the system is touched.

The C library asks the servers of ``/etc/resolv.conf`` and no others. So the probes are started with a small
library before it (``LD_PRELOAD``), which answers for one name; the drivers and their errors are real.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from repro.lab.errors import LabError

HOST = "db.txrepro.test"
"""The name that is answered for; RFC 6761 keeps .test free."""

SERVFAIL, TIMEOUT, NO_DATA, ONLY_V6 = "servfail", "timeout", "nodata", "v6only"

_COMPILERS = ("cc", "gcc", "clang")

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int is(const char *fault) {
    const char *said = getenv("TXREPRO_FAULT_DNS");
    return said && strcmp(said, fault) == 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*asked)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    const char *host = getenv("TXREPRO_FAULT_HOST");
    if (!node || !host || strcmp(node, host) != 0)
        return asked(node, service, hints, found);
    if (is("timeout")) /* resolv.conf(5): two attempts of 5 s */
        sleep(10);
    if (is("timeout") || is("servfail"))
        return EAI_AGAIN;
    if (is("v6only") && !(hints && hints->ai_family == AF_INET)) /* RFC 3849: for documentation */
        return asked("2001:db8::1", service, hints, found);
    return EAI_NODATA;
}

/* A machine without a route for IPv6, whatever the one is that this runs on. */
int connect(int number, const struct sockaddr *address, socklen_t length) {
    int (*dialled)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    if (is("v6only") && address->sa_family == AF_INET6 &&
        !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr)) {
        errno = ENETUNREACH;
        return -1;
    }
    return dialled(number, address, length);
}
"""


def absent() -> str | None:
    """Why it cannot be had here, or None."""
    if sys.platform != "linux":
        return "a library before the C library works on Linux only"
    return None if _compiler() else "no C compiler is here"


@contextlib.contextmanager
def resolving(fault: str) -> Iterator[Mapping[str, str]]:
    """What the probes need in their environment so that `HOST` is answered with a fault.

    Args:
        fault: `SERVFAIL`, `TIMEOUT`, `NO_DATA` or `ONLY_V6`.

    Raises:
        LabError: it cannot be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="txrepro-resolver-") as folder:
        yield {
            "LD_PRELOAD": str(_compiled(Path(folder))),
            "TXREPRO_FAULT_DNS": fault,
            "TXREPRO_FAULT_HOST": HOST,
        }


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, _COMPILERS)), None)


def _compiled(folder: Path) -> Path:
    library = folder / "resolver.so"
    command = [_compiler() or "cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
    try:
        made = subprocess.run(command, input=_SOURCE.encode(), capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError("the resolver of a fault cannot be compiled") from error
    if made.returncode:
        raise LabError(
            f"the resolver of a fault cannot be compiled: {made.stderr.decode(errors='replace')[:500]}"
        )
    return library
