"""Train a model on the cluster and say how good it is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from marquee.steps import new_model_id, train_step
from operations.console import Phases
from operations.environment import Environment
from operations.errors import OperationError
from operations.models import current_model, model_json
from operations.running_steps import locations, run_step


@dataclass(frozen=True)
class TrainedModel:
    """A model and its root mean squared error, in stars, on the ratings kept back for the test."""

    model_id: str
    dataset: str
    test_rmse: float | None

    def __str__(self) -> str:
        rmse = "" if self.test_rmse is None else f", test RMSE {self.test_rmse:.4f} stars"
        return f"{self.model_id}{rmse}"


def train(environment: Environment, phases: Phases, dataset: str) -> TrainedModel:
    """Train on a data set; the model is in use at once where that data set is the active one."""
    model_id = new_model_id(datetime.now(UTC))
    step = train_step(locations(environment), dataset, model_id)
    with phases.phase(f"train on {dataset}") as phase:
        run_step(environment, step, phase.detail)
        metrics = model_json(environment, model_id, "metrics.json") or {}
        model = TrainedModel(model_id, dataset, metrics.get("test_rmse"))
        phase.result = str(model)
    return model


def retrain(environment: Environment, phases: Phases) -> TrainedModel:
    """Train on the active data set."""
    current = current_model(environment)
    if current is None:
        raise OperationError("No data set is active yet: bring one in with 'make import DATA=…'.")
    return train(environment, phases, current.dataset)
