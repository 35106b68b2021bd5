"""The logger, tracer and metrics of a function, set up the same way for all functions."""

import logging
import os
import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.utilities import parameters

_NAMESPACE = "Marquee"


def observe(service: str) -> tuple[Logger, Tracer, Metrics]:
    """Return the logger, tracer and metrics of the function `service`.

    Functions never log events, and never let the tracer capture responses or errors, because these
    may contain a phone number. The domain's log lines go through the same logger, so that each
    carries the correlation id of its visitor or submission.
    """
    logger = Logger(service=service, log_uncaught_exceptions=False, use_rfc3339=True)
    # Calls without metrics are normal, and the warning would be a log line that is not JSON.
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    logging.getLogger("marquee")  # the logger must exist before settings are copied to it
    copy_config_to_registered_loggers(logger, include={"marquee"})
    tracer = Tracer(service=service)
    metrics = Metrics(namespace=_NAMESPACE, service=service)
    metrics.set_default_dimensions(environment=os.environ["ENVIRONMENT"])
    return logger, tracer, metrics


def token_secret(name: str) -> str:
    """Return the secret from which tokens are derived; it is cached in memory for an hour."""
    return parameters.get_parameter(name, decrypt=True, max_age=3600)
