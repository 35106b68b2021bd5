"""The health check: the model that the API uses and its age."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.contracts import parse_timestamp
from marquee.serving.answers import HealthAnswer
from routes.environment import active_model

router = APIGatewayRouter()


@router.get("/health")
def health() -> HealthAnswer:
    """Get the model that the API uses, and its age."""
    model, _ = active_model()
    age = datetime.now(UTC) - parse_timestamp(model.trained_at)
    return HealthAnswer(
        status="ok",
        dataset=model.dataset,
        model_id=model.model_id,
        trained_at=model.trained_at,
        age_seconds=round(age.total_seconds()),
    )
