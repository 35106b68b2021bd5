"""What a benchmark ran on: its figures mean nothing without."""

import os
import platform
from contextlib import suppress
from pathlib import Path


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"


def processor_seconds() -> float:
    """What this process and all below it have used of the processors so far, on Linux.

    Seconds on a clock say little of a machine that others use too.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            # After the name, which may hold anything: state, parent, …; see proc(5).
            words = path.read_text().rpartition(")")[2].split()
            process = int(path.parent.name)
            parents[process] = int(words[1])
            ticks[process] = sum(map(int, words[11:15]))  # user and system, its dead children's too
    below = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(process, 0) for process in below) / os.sysconf("SC_CLK_TCK")
