"""Detect whether the inputs of a phase changed since it last ran."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

from operations import ROOT

_NEVER_INPUTS = {"__pycache__", ".terraform", ".aws-sam", ".mypy_cache", ".ruff_cache"}


def files_under(*paths: Path) -> list[Path]:
    """Return all files under the paths, sorted, except files that tools generate."""
    found: set[Path] = set()
    for path in paths:
        candidates: Iterable[Path] = path.rglob("*") if path.is_dir() else [path]
        found.update(
            file
            for file in candidates
            if file.is_file() and not _NEVER_INPUTS.intersection(file.parts)
        )
    return sorted(found)


def fingerprint(files: Sequence[Path], *words: str, root: Path = ROOT) -> str:
    """Return 16 hexadecimal digits of SHA-256 over names, contents and extra words."""
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(root) if file.is_relative_to(root) else file
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    for word in words:
        digest.update(f"\0{word}".encode())
    return digest.hexdigest()[:16]


class PhaseRecord:
    """A record of the phases done on one instance of the local AWS, with input fingerprints.

    The local AWS keeps everything in memory, so the record does not count for another instance.
    """

    def __init__(self, file: Path, instance: str) -> None:
        self._file = file
        self._instance = instance
        self._lock = Lock()

    def holds(self, phase: str, inputs: str) -> bool:
        """Return whether the phase was last done with inputs of this fingerprint."""
        return self._read().get(phase) == inputs

    def record(self, phase: str, inputs: str) -> None:
        """Record that the phase was done with inputs of this fingerprint."""
        with self._lock:
            phases = {**self._read(), phase: inputs}
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_suffix(".partial")
            partial.write_text(json.dumps({"instance": self._instance, "phases": phases}, indent=1))
            partial.replace(self._file)

    def _read(self) -> dict[str, str]:
        if not self._file.is_file():
            return {}
        kept = json.loads(self._file.read_text())
        return dict(kept["phases"]) if kept["instance"] == self._instance else {}
