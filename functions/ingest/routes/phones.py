"""Phone numbers: the countries that are texted, and a check of a number; nothing is stored."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.requests.phone import as_shown, countries_of, country_of
from marquee.serving.answers import PhoneAnswer, TextedCountriesAnswer, TextedCountryAnswer
from marquee.serving.forms import TypedPhoneForm, checked_phone
from routes.environment import SETTINGS, tracer

router = APIGatewayRouter()


@router.get("/phones/countries")
def texted_countries() -> TextedCountriesAnswer:
    """Get the countries whose phones are texted."""
    found = countries_of(SETTINGS.countries)
    return TextedCountriesAnswer(
        countries=[TextedCountryAnswer(**asdict(country)) for country in found]
    )


@router.post("/phones")
@tracer.capture_method(capture_response=False, capture_error=False)
def check_phone(form: Annotated[TypedPhoneForm, Body()]) -> PhoneAnswer:
    """Check whether a number can be texted, and get it in E.164; nothing is stored."""
    phone = checked_phone(form, SETTINGS.countries)
    return PhoneAnswer(phone=phone, shown=as_shown(phone), country=country_of(phone) or "")
