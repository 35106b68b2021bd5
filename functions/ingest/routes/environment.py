"""State that an execution environment keeps between calls: settings, the model and the secret."""

from marquee.aws import wiring
from marquee.aws.buckets import ModelsBucket
from marquee.aws.model_store import ModelStore
from marquee.aws.observability import observe, token_secret
from marquee.aws.settings import IngestSettings
from marquee.contracts import PICKS, Pick
from marquee.recommender.model import Model
from marquee.recommender.picks import PickFilter, Recommender
from marquee.recommender.scorers import RANKING, UnknownModelError
from marquee.serving.forms import FieldError, RatingsForm
from marquee.serving.loaded_model import LoadedModel

SETTINGS = IngestSettings.from_environment()

logger, tracer, metrics = observe("ingest")


def count_quality(model: Model) -> None:
    """Count the measures of a model that this execution environment has just loaded.

    Each environment loads a model once, so the metrics' average is the model's measure.
    """
    rmse, ndcg = model.metrics.get("test_rmse"), model.metrics.get("ndcg@10")
    if rmse is not None:
        metrics.add_metric("ModelTestRmse", "None", rmse)
    if ndcg is not None:
        metrics.add_metric("ModelNdcg", "None", ndcg)


models = ModelStore(
    ModelsBucket(wiring.client("s3"), SETTINGS.models_bucket),
    SETTINGS.model_refresh_seconds,
    unreadable=lambda: metrics.add_metric("ModelsUnreadable", "Count", 1),
    loads=count_quality,
)


class NoModelYetError(Exception):
    """No model can be loaded; usually none has been trained yet."""


def loaded_model() -> LoadedModel:
    """Return the active model and the objects derived from it; raises NoModelYetError."""
    loaded = models.loaded()
    if loaded is None:
        raise NoModelYetError
    return loaded


def active_model() -> tuple[Model, Recommender]:
    """Return the active model with its default recommender; raises NoModelYetError."""
    loaded = loaded_model()
    return loaded.model, recommender_of(loaded, RANKING)


def recommender_of(loaded: LoadedModel, name: str) -> Recommender:
    """Return the model's recommender of that name; raises FieldError if there is none."""
    try:
        return loaded.recommender(name)
    except UnknownModelError as error:
        message = str(error)
        raise FieldError("model", f"{message[:1].upper()}{message[1:]}.") from error


def picks_for(
    form: RatingsForm,
    recommender: Recommender,
    only: PickFilter | None = None,
    count: int = PICKS,
    *,
    series_in_order: bool = True,
) -> list[Pick]:
    """Return up to `count` picks for the form's ratings, best first, without dismissed movies.

    Args:
        form: the ratings and the dismissed movies, all known to the model.
        recommender: the recommender that ranks the movies.
        only: if given, only movies that pass this filter are picked.
        count: the largest number of picks.
        series_in_order: whether to pick of each series the first unseen part only.
    """
    given = {rating.movie_id: float(rating.stars) for rating in form.ratings}
    return recommender.picks(given, count, only, form.dismissed, series_in_order=series_in_order)


def secret() -> str:
    """Return the secret from which tokens, marks and digests are derived."""
    return token_secret(SETTINGS.token_secret_name)
