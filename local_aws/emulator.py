"""The emulator behind the local AWS: LocalEmu, or LocalStack, from which LocalEmu was forked.

Both have the same extension points under different package names. Every plugin imports the
emulator's modules through `part`, so it runs on either. The environment variable `EMULATOR` selects
one for the whole process.
"""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = "EMULATOR"


class EmulatorError(ValueError):
    """EMULATOR does not name an emulator; the message lists the valid names."""


@dataclass(frozen=True)
class Emulator:
    """One emulator.

    Args:
        name: its value of `EMULATOR`, and the name of its package and Python environment.
        title: its name in messages.
        enforces_iam: whether it evaluates IAM policies for each call.
    """

    name: str
    title: str
    enforces_iam: bool

    @property
    def host_variable(self) -> str:
        """Name of the setting for the host and port of every URL that the emulator returns."""
        return f"{self.name.upper()}_HOST"


DEFAULT = Emulator("localemu", "LocalEmu", enforces_iam=True)
EMULATORS = {
    emulator.name: emulator
    for emulator in (DEFAULT, Emulator("localstack", "LocalStack", enforces_iam=False))
}


def chosen_emulator(environment: Mapping[str, str] = os.environ) -> Emulator:
    """Return the emulator that `EMULATOR` names, or LocalEmu if `EMULATOR` is unset or empty.

    Raises:
        EmulatorError: if no emulator has that name.
    """
    name = environment.get(VARIABLE) or DEFAULT.name
    if name not in EMULATORS:
        raise EmulatorError(f"EMULATOR is {name!r}: use {' or '.join(EMULATORS)}.")
    return EMULATORS[name]


def part(module: str) -> Any:
    """Return a module of the running emulator, e.g. `part("aws.connect")`."""
    return importlib.import_module(f"{chosen_emulator().name}.{module}")
