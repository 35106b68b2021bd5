"""Describe the machine of a benchmark, without which its figures mean nothing."""

import os
import platform
from contextlib import suppress
from pathlib import Path


def machine() -> str:
    """Return system, architecture, number of cores and load of this machine."""
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"


def processor_seconds() -> float:
    """Return the processor seconds of this process and its descendants so far; Linux only.

    Wall-clock time says little on a machine that other programs use too.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # the process has ended in the meantime
            # Fields after the name, which may contain anything: state, parent, …; see proc(5).
            words = path.read_text().rpartition(")")[2].split()
            process = int(path.parent.name)
            parents[process] = int(words[1])
            ticks[process] = sum(map(int, words[11:15]))  # user and system, with ended children
    below = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(process, 0) for process in below) / os.sysconf("SC_CLK_TCK")
