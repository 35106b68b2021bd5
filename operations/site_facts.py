"""What the site's pages say about a deployment: who runs it, and how long it keeps data."""

import json
from typing import Any

from operations import sam
from operations.deployment import OPERATOR, RETENTION, Deployment
from operations.sam_template import load_template

_NAMED = ("name", "contact")
# The template's parameters are needed only for their numbers, so any prefix will do.
_ANY_SCRIPTS = "s3://any/"


def site_facts(deployment: Deployment) -> dict[str, Any]:
    """Return the facts about a deployment that config.json tells the page.

    They come from the settings that the code obeys, so that the page cannot state other figures.

    Returns:
        `operator`: `name`, `contact`, `privacyUrl` and `termsUrl`, without those that are not set.
        `retention`: days, as `visitorDays` (after a visitor's last change), `listDays` (of a
        shared list), `batchDays`, `logDays`, `backupDays` and `failedTextDays` (absent if failed
        texts are not logged).
        `textsADay`: how many texts one phone gets in a day.

    Raises:
        OperationError: if a parameter is missing, because Terraform was not applied since.
    """
    template = load_template(sam.parameters(deployment, _ANY_SCRIPTS)).parameters
    retention = {
        "visitor_days": int(template["VisitorDays"]),
        "list_days": int(template["ListDays"]),
        **json.loads(deployment.parameter(RETENTION)),
    }
    return {
        "operator": _for_the_page(json.loads(deployment.parameter(OPERATOR))),
        "retention": _for_the_page(retention),
        "textsADay": int(template["TextsADay"]),
    }


def operator_warning(deployment: Deployment) -> str | None:
    """Return a warning if the site does not say who runs it; None if it does, or on a laptop."""
    said = json.loads(deployment.parameter(OPERATOR))
    missing = [f"operator.{name}" for name in _NAMED if said.get(name) is None]
    if deployment.is_local or not missing:
        return None
    are = "are" if len(missing) > 1 else "is"
    return (
        f"The site does not fully say who runs it: {' and '.join(missing)} {are} not set."
        f" Set them in terraform/{deployment.name}.tfvars, as in"
        ' operator = { name = "Example Cinema", contact = "help@example.com" },'
        f" and run 'make deploy ENV={deployment.name}' again."
    )


def _for_the_page(values: dict[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in values.items() if value is not None}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
