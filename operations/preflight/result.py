"""The result of a check."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a result: a stop ends `make plan` and `make deploy`, a warning does not."""

    OK = "ok"
    WARNING = "warning"
    STOP = "stop"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CheckResult:
    """What was checked, what was found, how to fix it, and a link for the fix."""

    check: str
    level: Level
    found: str
    fix: str = ""
    link: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the fields as texts."""
        return {name: str(value) for name, value in asdict(self).items()}
