"""The truth about every connect of a process and its children, in any language, from the Linux kernel.

The kernel hands each ``connect`` to us before it is carried out (seccomp user notification, seccomp(2) and
seccomp_unotify(2)). It is carried out here, on the program's own socket, and the program gets the very
answer. No root, no ptrace and no binary are needed. Where that is denied, ``strace`` does it, if it is
installed.
"""

from repro.trace.kernel.source import KernelSource, View

__all__ = ["KernelSource", "View"]
