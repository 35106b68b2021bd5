"""The settings that each function reads from its environment variables.

`sam/template.yaml` gives every setting its value. No setting has a default here: a function whose
variables are incomplete fails when it starts, and the error names what is missing.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from marquee.requests.emr_step_requests import StepLocations
from marquee.requests.reconcile import Patience
from marquee.requests.staleness import StalenessRule

type _Name = Annotated[str, Field(min_length=1)]
type _Seconds = Annotated[float, Field(gt=0)]
type _Hours = Annotated[float, Field(gt=0)]
type _Positive = Annotated[int, Field(gt=0)]
type _Clusters = Annotated[str, Field(pattern=r"^(none|j-[0-9A-Z]+(,j-[0-9A-Z]+)*)$")]


class Settings(BaseModel):
    """What every function's settings have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: _Name

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are named like a field in upper case; ignore all others.

        Raises:
            pydantic.ValidationError: names every field that is missing or invalid.
        """
        known = {
            name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables
        }
        return cls.model_validate(known)


class IngestSettings(Settings):
    """The settings of the API."""

    ratings_bucket: _Name
    models_bucket: _Name
    visitors_table: _Name
    idempotency_table: _Name
    lists_table: _Name
    site_url: _Name
    token_secret_name: _Name
    visitor_days: _Positive
    list_days: _Positive
    phone_countries: Annotated[str, Field(pattern=r"^[A-Z]{2}(,[A-Z]{2})*$")]
    phone_work_tries: _Positive
    changes_an_hour: _Positive
    network_forms_an_hour: _Positive
    network_phones_an_hour: _Positive
    network_changes_an_hour: _Positive
    network_lists_an_hour: _Positive
    model_refresh_seconds: Annotated[float, Field(ge=0)]

    @property
    def countries(self) -> frozenset[str]:
        """The ISO 3166 codes of the countries to whose phones texts are sent."""
        return frozenset(self.phone_countries.split(","))


class StepSettings(Settings):
    """The settings of a function that adds steps to the EMR cluster."""

    ratings_bucket: _Name
    models_bucket: _Name
    results_bucket: _Name
    visitors_table: _Name
    idempotency_table: _Name
    cluster_id: _Name
    former_cluster_ids: _Clusters
    steps_prefix: _Name
    small_ratings: Annotated[int, Field(ge=0)]
    model_max_age_hours: _Hours
    model_max_new_share: Annotated[float, Field(ge=0)]
    training_interval_seconds: _Seconds

    @property
    def former_clusters(self) -> tuple[str, ...]:
        """The ids of the clusters that still finish steps while `make renew` replaces them."""
        if self.former_cluster_ids == "none":
            return ()
        return tuple(self.former_cluster_ids.split(","))

    @property
    def clusters(self) -> frozenset[str]:
        """The ids of all clusters that may run this deployment's steps."""
        return frozenset({self.cluster_id, *self.former_clusters})

    @property
    def locations(self) -> StepLocations:
        """The places that the arguments of steps name: the scripts' prefix and the buckets."""
        return StepLocations(
            scripts=self.steps_prefix,
            ratings_bucket=self.ratings_bucket,
            models_bucket=self.models_bucket,
            results_bucket=self.results_bucket,
        )

    @property
    def staleness(self) -> StalenessRule:
        """The rule that decides whether a submission trains a new model first."""
        return StalenessRule(
            small_ratings=self.small_ratings,
            max_age=timedelta(hours=self.model_max_age_hours),
            max_new_share=self.model_max_new_share,
            interval=timedelta(seconds=self.training_interval_seconds),
        )


class SubmitStepSettings(StepSettings):
    """The settings of submit-step."""

    visitors_queue_url: _Name
    busy_delay_seconds: Annotated[int, Field(ge=0, le=900)]


class CollectSettings(Settings):
    """The settings of a function that collects results."""

    ratings_bucket: _Name
    results_bucket: _Name
    visitors_table: _Name
    texts_queue_url: _Name


class QueueResultsSettings(CollectSettings):
    """The settings of queue-results."""

    results_queue_url: _Name


class ClaimSettings(Settings):
    """The settings of a function that gives up unfinished claims of texts."""

    visitors_table: _Name
    text_claim_lease_seconds: _Seconds


class SendTextSettings(ClaimSettings):
    """The settings of send-text."""

    movies_table: _Name
    idempotency_table: _Name
    site_url: _Name
    token_secret_name: _Name
    texts_a_day: _Positive
    texts_a_day_in_all: Annotated[int, Field(gt=0, le=1_000_000)]


class ReconcileSettings(StepSettings, CollectSettings, ClaimSettings):
    """The settings of reconcile."""

    received_patience_seconds: _Seconds
    submitted_patience_seconds: _Seconds
    recommended_patience_seconds: _Seconds
    give_up_hours: _Hours
    step_attempts: Annotated[int, Field(ge=1)]

    @property
    def patience(self) -> Patience:
        """How long requests may wait, and how often a step may be tried, before the sweep acts."""
        return Patience(
            received=timedelta(seconds=self.received_patience_seconds),
            submitted=timedelta(seconds=self.submitted_patience_seconds),
            recommended=timedelta(seconds=self.recommended_patience_seconds),
            give_up=timedelta(hours=self.give_up_hours),
            attempts=self.step_attempts,
        )
