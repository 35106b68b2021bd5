"""Make the former ratings and their model active again (`make rollback-data`)."""

from marquee.contracts import CurrentModel
from operations.console import Phases, out
from operations.data_versions import is_prepared
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import load_titles
from operations.models import describe_pair, newest_model, see_pair, switch_to
from operations.rollback_model import check
from operations.train import TrainedModel


def rollback_data(deployment: Deployment, phases: Phases) -> CurrentModel:
    """Switch to the former pair of ratings and model; the active one becomes the former one.

    A second call therefore switches forward again.

    Returns:
        The model that is active now.

    Raises:
        OperationError: if there is no former pair, it is damaged, or another command has made other
            data active in the meantime. Nothing is changed then.
    """
    seen = see_pair(deployment)
    if seen.active is None:
        raise OperationError(
            f"Deployment {deployment.name!r} has no active ratings: import some with"
            " 'make import DATA=…'."
        )
    former = seen.active.former
    if former is None:
        raise OperationError(
            f"Nothing was changed: no ratings were active before {describe_pair(seen.active)}."
        )
    with phases.phase("check the former ratings") as phase:
        if not is_prepared(deployment, former.data):
            raise OperationError(
                f"Nothing was changed: the files of {describe_pair(former)} are no longer complete"
                f" in the ratings bucket: import {former.dataset!r} again."
            )
        model_id = _usable_model(deployment, former)
        phase.result = f"{describe_pair(former)}, model {model_id}"
    with phases.phase("load the titles") as phase:
        model = TrainedModel(model_id, former.dataset, None)
        phase.result = f"{load_titles(deployment, model, phase):,} titles"
    now = switch_to(deployment, model_id, seen)
    out.print(
        f"Active now: {describe_pair(now)}, with model {now.model_id}. Before:"
        f" {describe_pair(seen.active)}, with model {seen.active.model_id}. The API uses it within"
        " seconds, and later trainings use these ratings. 'make rollback-data' switches forward"
        " again.",
        markup=False,
    )
    return now


def _usable_model(deployment: Deployment, former: CurrentModel) -> str:
    """Return the newest usable model of the former ratings.

    Raises:
        OperationError: if neither the newest one nor the one that was switched from is usable.
    """
    newest = newest_model(deployment, former)
    ids = [each.model_id for each in (newest, former) if each is not None]
    damage = ""
    for model_id in dict.fromkeys(ids):
        kept = check(deployment, model_id)
        if kept.damage is None:
            return model_id
        damage = damage or kept.damage
    raise OperationError(
        f"Nothing was changed: the model of {describe_pair(former)} cannot be used: {damage}."
        f" Import {former.dataset!r} again."
    )
