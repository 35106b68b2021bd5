"""What one execution environment keeps from call to call: settings, the model, the secret."""

from marquee.answers import PickAnswer, pick_answers
from marquee.aws import wiring
from marquee.aws.buckets import ModelsBucket
from marquee.aws.model_store import LoadedModel, ModelStore
from marquee.aws.observability import observe, token_secret
from marquee.aws.settings import Settings
from marquee.contracts import PICKS
from marquee.forms import FieldError, RatingsForm
from marquee.model import Model
from marquee.recommending import Recommender, Wanted
from marquee.scoring import RANKING, UnknownModelError

SETTINGS = Settings.from_environment()

logger, tracer, metrics = observe("ingest")
models = ModelStore(
    ModelsBucket(wiring.client("s3"), SETTINGS.models_bucket),
    SETTINGS.model_refresh_seconds,
    unreadable=lambda: metrics.add_metric("ModelsUnreadable", "Count", 1),
)


class NoModelYetError(Exception):
    """Nothing was ever trained here."""


def loaded_model() -> LoadedModel:
    """The current model and what is made of it."""
    loaded = models.loaded()
    if loaded is None:
        raise NoModelYetError
    return loaded


def current_model() -> tuple[Model, Recommender]:
    return model_named(RANKING)


def model_named(name: str) -> tuple[Model, Recommender]:
    """The current model with its recommender of that name."""
    loaded = loaded_model()
    return loaded.model, recommender_of(loaded, name)


def recommender_of(loaded: LoadedModel, name: str) -> Recommender:
    """The model's recommender of that name; raises FieldError where it has none."""
    try:
        return loaded.recommender(name)
    except UnknownModelError as error:
        message = str(error)
        raise FieldError("model", f"{message[:1].upper()}{message[1:]}.") from error


def picks_for(
    form: RatingsForm,
    model: Model,
    recommender: Recommender,
    wanted: Wanted | None = None,
    count: int = PICKS,
) -> list[PickAnswer]:
    given = {rating.movie_id: float(rating.stars) for rating in form.ratings}
    found = recommender.picks(given, count, wanted, form.dismissed)
    return pick_answers(found, model.movies)


def secret() -> str:
    return token_secret(SETTINGS.token_secret_name)
