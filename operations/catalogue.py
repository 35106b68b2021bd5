"""Import the embedded catalogue, so that a new deployment can recommend without a download."""

from catalogue import DATASET
from catalogue.__main__ import write
from operations.console import Phases
from operations.deployment import Deployment
from operations.import_ratings import import_ratings
from operations.train import TrainedModel

FOLDER = "catalogue"


def import_catalogue(deployment: Deployment, phases: Phases) -> TrainedModel:
    """Generate the catalogue's ratings and import them like any other data set."""
    folder = deployment.state / FOLDER
    with phases.phase("generate the catalogue's ratings") as phase:
        phase.result = f"{write(folder):,} ratings"
    return import_ratings(deployment, phases, folder, name=DATASET)
