"""Logger, tracer and metrics of a function, set up the same way everywhere."""

import logging
import os
import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.utilities import parameters

_NAMESPACE = "Marquee"


def observe(service: str) -> tuple[Logger, Tracer, Metrics]:
    """Give the three for a function.

    Events are never logged and the tracer captures neither answers nor errors: both may hold a
    phone number. The domain's own log lines go through the same logger, so that each carries the
    correlation id of the visitor (or the submission) it is about.
    """
    logger = Logger(service=service, log_uncaught_exceptions=False, use_rfc3339=True)
    # A call without metrics is usual, and the warning would be a log line that is no JSON.
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    logging.getLogger("marquee")  # must exist before its settings can be copied
    copy_config_to_registered_loggers(logger, include={"marquee"})
    tracer = Tracer(service=service)
    metrics = Metrics(namespace=_NAMESPACE, service=service)
    metrics.set_default_dimensions(environment=os.environ["ENVIRONMENT"])
    return logger, tracer, metrics


def token_secret(name: str) -> str:
    """Read the secret behind visitors' tokens; kept in memory for an hour."""
    return parameters.get_parameter(name, decrypt=True, max_age=3600)
