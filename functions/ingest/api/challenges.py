"""The challenge that a browser solves before a phone is accepted."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from api.bodies import JSON
from api.environment import SETTINGS, tracer
from marquee.answers import ChallengeAnswer
from marquee.aws import wiring

router = APIGatewayRouter()


@router.get("/challenge")
@tracer.capture_method(capture_response=False, capture_error=False)
def get_challenge() -> Response[ChallengeAnswer]:
    """A challenge whose solution a form with a phone carries as its proof."""
    challenge = wiring.challenges(SETTINGS).issue(datetime.now(UTC))
    return Response(
        status_code=200,
        content_type=JSON,
        body=ChallengeAnswer.of(challenge),
        headers={"Cache-Control": "no-store"},
    )
