"""Train a model on the cluster and report its quality."""

from dataclasses import dataclass
from datetime import UTC, datetime

from marquee.contracts import ALS_RANKS, DataVersion
from marquee.requests.emr_step_requests import new_model_id, similar_step, train_step
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model, model_json
from operations.running_steps import locations, run_step


@dataclass(frozen=True)
class TrainedModel:
    """A model and its quality on the held-out ratings.

    `test_rmse` is in stars. `ndcg` is the nDCG@10 of the model's picks, `popularity_ndcg` that
    of the most popular movies.
    """

    model_id: str
    dataset: str
    test_rmse: float | None
    ndcg: float | None = None
    popularity_ndcg: float | None = None
    left_out: int = 0  # visitors that training left out, as they would make the model worse

    def __str__(self) -> str:
        text = self.model_id
        if self.test_rmse is not None:
            text += f", test RMSE {self.test_rmse:.4f} stars"
        if self.ndcg is not None and self.popularity_ndcg is not None:
            text += f", nDCG@10 {self.ndcg:.3f} (popularity {self.popularity_ndcg:.3f})"
        if self.left_out:
            text += f", without {self.left_out} visitors who would make it worse"
        return text


def train(
    deployment: Deployment,
    phases: Phases,
    data: DataVersion,
    *,
    all_visitors: bool = False,
    force: bool = False,
) -> TrainedModel:
    """Train on a version of a data set; if it is active, the model is published immediately.

    Args:
        deployment: the deployment.
        phases: the phases of the command.
        data: the data to train on.
        all_visitors: whether to include the visitors that the active model left out.
        force: whether to accept a model that no ratings could be held out for.
    """
    model_id = new_model_id(datetime.now(UTC))
    active = current_model(deployment)
    step = train_step(
        locations(deployment),
        data,
        model_id,
        active=active,
        sizes=ALS_RANKS,
        all_visitors=all_visitors,
        force=force,
    )
    with phases.phase(f"train on {data.dataset}") as phase:
        run_step(deployment, step, phase.detail)
        metrics = model_json(deployment, model_id, "metrics.json") or {}
        model = TrainedModel(
            model_id,
            data.dataset,
            metrics.get("test_rmse"),
            metrics.get("ndcg@10"),
            metrics.get("popularity_ndcg@10"),
            (metrics.get("left_out") or {}).get("visitors", 0),
        )
        phase.result = str(model)
    return model


def find_similar(deployment: Deployment, phases: Phases, model_id: str) -> None:
    """Compute the similar movies of each movie, with a model that is or soon becomes active."""
    with phases.phase("find similar movies") as phase:
        run_step(deployment, similar_step(locations(deployment), model_id), phase.detail)


def retrain(deployment: Deployment, phases: Phases, *, all_visitors: bool = False) -> TrainedModel:
    """Train on the active data set; `all_visitors` as for `train`."""
    current = current_model(deployment)
    if current is None:
        raise OperationError("No data set is active yet: import one with 'make import DATA=…'.")
    model = train(deployment, phases, current.data, all_visitors=all_visitors)
    find_similar(deployment, phases, model.model_id)
    return model
