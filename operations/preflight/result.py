"""What one check found."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters: a stop ends plan and deploy, a warning does not."""

    OK = "ok"
    WARNING = "warning"
    STOP = "stop"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One line: what was checked, what was found, how to fix it and where in the console."""

    check: str
    level: Level
    found: str
    fix: str = ""
    link: str = ""

    def as_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}
