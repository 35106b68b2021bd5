"""The challenge that a browser must solve before the API accepts a phone number."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.aws import wiring
from marquee.serving.answers import ChallengeAnswer
from routes.bodies import JSON
from routes.environment import SETTINGS, tracer

router = APIGatewayRouter()


@router.get("/challenge")
@tracer.capture_method(capture_response=False, capture_error=False)
def get_challenge() -> Response[ChallengeAnswer]:
    """Get a challenge; its solution is the proof that a form with a phone number needs."""
    challenge = wiring.challenges(SETTINGS).issue(datetime.now(UTC))
    return Response(
        status_code=200,
        content_type=JSON,
        body=ChallengeAnswer.of(challenge),
        headers={"Cache-Control": "no-store"},
    )
