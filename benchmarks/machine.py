"""What a benchmark ran on: its figures mean nothing without."""

import os
import platform


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
