"""Bring the embedded catalogue in: what a fresh machine recommends from, no download needed."""

from catalogue import DATASET
from catalogue.__main__ import write
from operations.console import Phases
from operations.environment import Environment
from operations.import_ratings import import_ratings

FOLDER = "catalogue"


def import_catalogue(environment: Environment, phases: Phases) -> None:
    """Draw the catalogue's ratings and import them like anybody's."""
    folder = environment.state / FOLDER
    with phases.phase("draw the catalogue's ratings") as phase:
        phase.result = f"{write(folder):,} ratings"
    import_ratings(environment, phases, folder, name=DATASET)
