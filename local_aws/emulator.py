"""The emulator behind the local AWS: LocalEmu, or the LocalStack that it grew out of.

Both have the same plug-in points under different package names, so every plugin takes what it needs
through `part` and runs on either. `EMULATOR` chooses one for the whole process.
"""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = "EMULATOR"


class EmulatorError(ValueError):
    """EMULATOR names no emulator; the message lists the names."""


@dataclass(frozen=True)
class Emulator:
    """One emulator.

    Args:
        name: what `EMULATOR` calls it; also its package and its Python environment.
        title: what people call it.
        enforces_iam: whether it decides calls by IAM policies.
    """

    name: str
    title: str
    enforces_iam: bool

    @property
    def host_variable(self) -> str:
        """Name of the setting that holds the host and port of every URL that it hands out."""
        return f"{self.name.upper()}_HOST"


DEFAULT = Emulator("localemu", "LocalEmu", enforces_iam=True)
EMULATORS = {
    emulator.name: emulator
    for emulator in (DEFAULT, Emulator("localstack", "LocalStack", enforces_iam=False))
}


def chosen(environment: Mapping[str, str] = os.environ) -> Emulator:
    """Return the emulator that `EMULATOR` names; LocalEmu where it names none.

    Raises:
        EmulatorError: if there is no emulator of that name.
    """
    name = environment.get(VARIABLE) or DEFAULT.name
    if name not in EMULATORS:
        raise EmulatorError(f"EMULATOR is {name!r}: use {' or '.join(EMULATORS)}.")
    return EMULATORS[name]


def part(module: str) -> Any:
    """Return a module of the running emulator, e.g. `part("aws.connect")`."""
    return importlib.import_module(f"{chosen().name}.{module}")
