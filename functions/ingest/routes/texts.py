"""A preview of the text, composed by the function that composes the text; nothing is stored."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.requests.greeting import greeting_name
from marquee.requests.text_message import compose, parts, preview_link
from marquee.serving.answers import TextPreviewAnswer
from marquee.serving.forms import TextPreviewForm, titles_in_text
from routes.environment import SETTINGS, loaded_model, tracer

router = APIGatewayRouter()


@router.post("/texts/preview")
@tracer.capture_method(capture_response=False, capture_error=False)
def preview_text(form: Annotated[TextPreviewForm, Body()]) -> TextPreviewAnswer:
    """Get the text with these picks as it would be sent; only the visitor's link is made up."""
    titles = titles_in_text(form.movie_ids, loaded_model().model.movies)
    text = compose(form.name, titles, preview_link(SETTINGS.site_url))
    return TextPreviewAnswer(text=text, greeting=greeting_name(form.name), parts=parts(text))
