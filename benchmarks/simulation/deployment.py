"""The settings that the product ships: the SAM template, Terraform, and code of the functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from marquee.aws.settings import ReconcileSettings, SendTextSettings
from marquee.requests.reconcile import Patience
from marquee.requests.staleness import StalenessRule
from operations import ROOT
from operations.errors import OperationError
from operations.sam_template import Template, load_template

_QUEUE_OF = {"submit_step": "visitors", "queue_results": "results", "send_text": "texts"}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MADE_UP = "j-SIMULATED"  # the settings that name resources do not matter here


@dataclass(frozen=True, slots=True)
class Consumer:
    """A function that reads a queue.

    Attributes:
        queue: the queue's name.
        batch_size: messages of a batch.
        window: seconds for which a batch is gathered.
        concurrency: batches at the same time.
        timeout: seconds after which Lambda ends the function.
        gigabytes: the function's memory.
        visibility: the queue's visibility time-out, in seconds.
    """

    queue: str
    batch_size: int
    window: float
    concurrency: int
    timeout: float
    gigabytes: float
    visibility: float


@dataclass(frozen=True)
class ShippedDeployment:
    """The settings of a deployment, with some parameters of the template changed.

    Args:
        changed: parameters of the SAM template that differ from its defaults.
    """

    changed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def template(self) -> Template:
        """The SAM template with these parameters."""
        return load_template(dict(self.changed))

    def number(self, parameter: str) -> float:
        """Return a parameter of the template as a number."""
        return float(self.template.parameters[parameter])

    def every(self, parameter: str) -> float:
        """Return the seconds between two runs of a schedule, which must be a `rate(…)`."""
        schedule = str(self.template.parameters[parameter])
        if not (found := _RATE.fullmatch(schedule)):
            raise OperationError(f"{parameter} is {schedule!r}: write it as rate(…).")
        return float(int(found[1]) * _SECONDS[found[2]])

    def consumer(self, function: str) -> Consumer:
        """Return how a function, named by its folder, reads its queue."""
        template, queue = self.template, _QUEUE_OF[function]
        properties = template.functions[f"{function.title().replace('_', '')}Function"]
        (event,) = (e for e in properties["Events"].values() if e["Type"] == "SQS")
        source = event["Properties"]
        return Consumer(
            queue=queue,
            batch_size=int(source["BatchSize"]),
            window=float(template.value(source.get("MaximumBatchingWindowInSeconds", 0))),
            concurrency=int(source["ScalingConfig"]["MaximumConcurrency"]),
            timeout=float(properties["Timeout"]),
            gigabytes=int(properties["MemorySize"]) / 1024,
            visibility=float(
                _terraform(
                    "variables.tf",
                    rf'"queue_visibility_seconds" \{{.*?{queue}\s+= optional\(number, (\d+)\)',
                )
            ),
        )

    @property
    def max_receives(self) -> int:
        """Deliveries after which a message becomes a dead letter."""
        pattern = r'variable "max_receive_count" \{[^}]*?default\s+= (\d+)'
        return int(_terraform("variables.tf", pattern))

    @property
    def step_concurrency(self) -> int:
        """Steps that the cluster runs at the same time."""
        return int(_terraform("cluster.tf", r"step_concurrency_level\s+= (\d+)"))

    @property
    def nodes(self) -> tuple[str, int]:
        """The instance type of the nodes, and how many there are, the primary node included."""
        instance_type = r'variable "core_instance_type" \{[^}]*?default\s+= "(.+?)"'
        count = r'variable "core_instance_count" \{[^}]*?default\s+= (\d+)'
        return (
            _terraform("variables.tf", instance_type),
            1 + int(_terraform("variables.tf", count)),
        )

    @cached_property
    def reconcile(self) -> ReconcileSettings:
        """The settings of reconcile."""
        return ReconcileSettings.from_environment(
            {name.upper(): _MADE_UP for name in ReconcileSettings.model_fields}
            | {"FORMER_CLUSTER_IDS": "none"}
            | self.template.settings("reconcile")
        )

    @property
    def staleness(self) -> StalenessRule:
        """The rule by which a submission trains first."""
        return self.reconcile.staleness

    @property
    def patience(self) -> Patience:
        """How long requests may wait at each status."""
        return self.reconcile.patience

    @property
    def claim_lease(self) -> timedelta:
        """The age at which an unfinished claim of a text is given up."""
        return timedelta(seconds=self.reconcile.text_claim_lease_seconds)

    @property
    def texts_a_day(self) -> int:
        """Texts to all phones together in a day."""
        settings = SendTextSettings.from_environment(
            {name.upper(): _MADE_UP for name in SendTextSettings.model_fields}
            | self.template.settings("send_text")
        )
        return settings.texts_a_day_in_all


def _terraform(file: str, pattern: str) -> str:
    """Return what the first group of a pattern matches in a file of `terraform/`.

    Raises:
        OperationError: if nothing matches.
    """
    found = re.search(pattern, (ROOT / "terraform" / file).read_text(), re.DOTALL)
    if found is None:
        raise OperationError(f"terraform/{file} has nothing like {pattern}: update this pattern.")
    return found[1]
