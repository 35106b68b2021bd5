"""The catalogue: all genres and the years of the active data set's movies."""

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.serving.answers import CatalogueAnswer
from routes.environment import loaded_model

router = APIGatewayRouter()


@router.get("/catalogue")
def catalogue() -> CatalogueAnswer:
    """Get all genres, and the years of the oldest and the newest movie."""
    loaded = loaded_model()
    first, last = loaded.titles.years or (None, None)
    return CatalogueAnswer(
        dataset=loaded.model.dataset,
        model_id=loaded.model.model_id,
        genres=loaded.titles.genres,
        first_year=first,
        last_year=last,
    )
