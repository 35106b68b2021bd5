"""Import the embedded catalogue, so that a new deployment can recommend without a download."""

from catalogue import DATASET
from catalogue.__main__ import write
from operations.console import Phases
from operations.environment import Environment
from operations.import_ratings import import_ratings
from operations.train import TrainedModel

FOLDER = "catalogue"


def import_catalogue(environment: Environment, phases: Phases) -> TrainedModel:
    """Generate the catalogue's ratings and import them like any other data set."""
    folder = environment.state / FOLDER
    with phases.phase("generate the catalogue's ratings") as phase:
        phase.result = f"{write(folder):,} ratings"
    return import_ratings(environment, phases, folder, name=DATASET)
