"""The settings that a function reads from its environment variables."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marquee.requests.emr_step_requests import StepLocations
from marquee.requests.reconcile import Patience
from marquee.requests.staleness import StalenessRule

type _Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseModel):
    """Names and numbers from `sam/template.yaml`; each function uses those that it needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: str
    ratings_bucket: str = ""
    models_bucket: str = ""
    results_bucket: str = ""
    visitors_table: str = ""
    movies_table: str = ""
    idempotency_table: str = ""
    texts_queue_url: str = ""
    results_queue_url: str = ""
    visitors_queue_url: str = ""
    cluster_id: str = ""
    former_cluster_ids: Annotated[str, Field(pattern=r"^(none|j-[0-9A-Z]+(,j-[0-9A-Z]+)*)$")] = (
        "none"
    )
    steps_prefix: str = ""
    site_url: str = ""
    token_secret_name: str = ""
    visitor_days: Annotated[int, Field(gt=0)] = 365
    phone_countries: Annotated[str, Field(pattern=r"^[A-Z]{2}(,[A-Z]{2})*$")] = "US,CA,GB,IE,AU,NZ"
    texts_a_day: Annotated[int, Field(gt=0)] = 3
    texts_a_day_in_all: Annotated[int, Field(gt=0, le=1_000_000)] = 200
    phone_work_tries: Annotated[int, Field(gt=0)] = 200
    changes_an_hour: Annotated[int, Field(gt=0)] = 60
    network_forms_an_hour: Annotated[int, Field(gt=0)] = 60
    network_phones_an_hour: Annotated[int, Field(gt=0)] = 20
    network_changes_an_hour: Annotated[int, Field(gt=0)] = 600
    busy_delay_seconds: Annotated[int, Field(ge=0, le=900)] = 15
    small_ratings: Annotated[int, Field(ge=0)] = 1_000_000
    model_max_age_hours: _Seconds = 36
    model_max_new_share: Annotated[float, Field(ge=0)] = 0.01
    training_interval_seconds: _Seconds = 300
    model_refresh_seconds: Annotated[float, Field(ge=0)] = 10
    received_patience_seconds: _Seconds = 300
    submitted_patience_seconds: _Seconds = 900
    recommended_patience_seconds: _Seconds = 600
    give_up_hours: _Seconds = 24
    step_attempts: Annotated[int, Field(ge=1)] = 3
    text_claim_lease_seconds: _Seconds = 90

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that are named like a field in upper case; ignore all others."""
        known = {
            name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables
        }
        return cls.model_validate(known)

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
    def countries(self) -> frozenset[str]:
        """The ISO 3166 codes of the countries to whose phones texts are sent."""
        return frozenset(self.phone_countries.split(","))

    @property
    def locations(self) -> StepLocations:
        return StepLocations(
            scripts=self.steps_prefix,
            ratings_bucket=self.ratings_bucket,
            models_bucket=self.models_bucket,
            results_bucket=self.results_bucket,
        )

    @property
    def staleness(self) -> StalenessRule:
        return StalenessRule(
            small_ratings=self.small_ratings,
            max_age=timedelta(hours=self.model_max_age_hours),
            max_new_share=self.model_max_new_share,
            interval=timedelta(seconds=self.training_interval_seconds),
        )

    @property
    def patience(self) -> Patience:
        return Patience(
            received=timedelta(seconds=self.received_patience_seconds),
            submitted=timedelta(seconds=self.submitted_patience_seconds),
            recommended=timedelta(seconds=self.recommended_patience_seconds),
            give_up=timedelta(hours=self.give_up_hours),
            attempts=self.step_attempts,
        )
