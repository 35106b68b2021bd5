"""Bring the embedded catalogue in: what a fresh machine recommends from, no download needed."""

from catalogue import DATASET
from catalogue.__main__ import write
from operations.console import Phases
from operations.environment import Environment
from operations.import_ratings import import_ratings
from operations.train import TrainedModel

FOLDER = "catalogue"


def import_catalogue(environment: Environment, phases: Phases) -> TrainedModel:
    """Draw the catalogue's ratings and import them like anybody's."""
    folder = environment.state / FOLDER
    with phases.phase("draw the catalogue's ratings") as phase:
        phase.result = f"{write(folder):,} ratings"
    return import_ratings(environment, phases, folder, name=DATASET)
