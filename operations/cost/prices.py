"""Load the price file and the usage file."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from operations import ROOT
from operations.errors import OperationError

FOLDER = ROOT / "operations" / "prices"
PRICES = FOLDER / "us-east-1.toml"
USAGE = FOLDER / "usage.toml"


@dataclass(frozen=True)
class Prices:
    """List prices of one region on one day, in US dollars.

    Attributes:
        region: AWS region.
        dated: the day of the prices.
        instances: hourly prices (`ec2`, `emr`) by instance type.
        units: prices by unit, under `usd`.
        free: resource types without a charge of their own. A resource is free only if it has the
            values under `only`, if there are any.
    """

    region: str
    dated: date
    instances: dict[str, dict[str, Any]]
    units: dict[str, dict[str, Any]]
    free: dict[str, dict[str, Any]]

    def usd(self, unit: str) -> float:
        """Return the price of one unit; raise OperationError if the file has none."""
        try:
            return float(self.units[unit]["usd"])
        except KeyError:
            raise OperationError(f"{PRICES.name} has no price {unit!r}: add it.") from None

    def instance_hour(self, kind: str) -> tuple[float, float] | None:
        """Return the hourly prices (EC2, EMR) of a node, or None for an unknown type."""
        known = self.instances.get(kind)
        return (float(known["ec2"]), float(known["emr"])) if known else None

    def is_free(self, kind: str, values: dict[str, Any]) -> bool:
        """Return whether a resource of this type, with these values, has no charge of its own."""
        entry = self.free.get(kind)
        if entry is None:
            return False
        only = entry.get("only", {})
        return all(values.get(name) == value for name, value in only.items())


type Usage = dict[str, dict[str, float]]


def load_prices(file: Path = PRICES) -> Prices:
    """Read the price file."""
    listed = tomllib.loads(file.read_text())
    return Prices(
        listed["region"], listed["dated"], listed["instances"], listed["prices"], listed["free"]
    )


def load_usage(file: Path = USAGE) -> Usage:
    """Read the assumptions about usage."""
    return tomllib.loads(file.read_text())
