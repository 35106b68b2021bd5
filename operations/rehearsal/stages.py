"""The stages of a rehearsal: each performs one operator task and checks its result."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from operations import sam
from operations.addresses import api_url, site_url
from operations.catalogue import import_catalogue
from operations.console import Phases
from operations.cost.bill import Bill, price
from operations.cost.report import planned_deployment
from operations.deploy import deploy, deploy_functions
from operations.deployment import Deployment
from operations.destroy import destroy
from operations.drift import expect_no_changes
from operations.errors import OperationError
from operations.flow import default_form, follow_flow
from operations.inventory import disk_keys, inventory, is_pending_deletion, visitors_with_ratings
from operations.rehearsal.changed_function import answering_mark, changed_sources
from operations.rehearsal.snapshot import differences, snapshot
from operations.releases import roll_back, show_rollback
from operations.terraform import Terraform

FORM_SEED = 1
FORM_SECONDS = 1800.0
# A first response waits for a cold start, for CloudFront's name in DNS and for the alias.
ANSWER_SECONDS = 300.0
# AWS lists deleted resources for about a minute (documented for SQS only).
GONE_SECONDS = 300.0
POLL_SECONDS = {True: 0.5, False: 5.0}


@dataclass
class Rehearsal:
    """A run's state, which stages pass on to later stages and to the report.

    Attributes:
        deployment: the deployment.
        bill: the deployment's estimated cost.
        visitors: ids of the visitors that the rehearsal created.
        keys: ids of the KMS keys of the nodes' disks.
        notes: remarks for the report.
        left: names of resources that were not deleted, by kind.
        unchecked: kinds that the caller may not list, with the reason.
        mark: the header value that the changed function adds to its responses.
    """

    deployment: Deployment
    bill: Bill | None = None
    visitors: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    left: dict[str, list[str]] = field(default_factory=dict)
    unchecked: dict[str, str] = field(default_factory=dict)
    mark: str = "second"

    @property
    def folder(self) -> Path:
        """Return the folder for the changed sources."""
        return self.deployment.state / "rehearsal"

    def until[T](self, look: Callable[[], T], wanted: Callable[[T], bool], seconds: float) -> T:
        """Call `look` until the result is as wanted or time is up; return the last one."""
        deadline = time.monotonic() + seconds
        while not wanted(seen := look()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS[self.deployment.is_local])
        return seen


@dataclass(frozen=True)
class Stage:
    """A name and a function that returns the result in words and raises if a check fails."""

    name: str
    run: Callable[[Rehearsal], str]


def count_the_costs(rehearsal: Rehearsal) -> str:
    """Estimate the deployment's cost before it is made."""
    rehearsal.bill = price(planned_deployment(rehearsal.deployment))
    return f"{rehearsal.bill.idle:.2f} dollars a month if left running"


def deploy_first(rehearsal: Rehearsal) -> str:
    """Deploy everything, as `make deploy` does."""
    return f"{deploy(rehearsal.deployment)} resources, and the functions"


def plan_is_empty(rehearsal: Rehearsal) -> str:
    """Check that Terraform plans no change right after the deployment."""
    terraform = Terraform(rehearsal.deployment)
    terraform.init()
    expect_no_changes(terraform.plan())
    return "No changes."


def import_small(rehearsal: Rehearsal) -> str:
    """Import the embedded catalogue, train a model on it and publish the model."""
    with Phases() as phases:
        model = import_catalogue(rehearsal.deployment, phases)
    return str(model)


def open_the_site(rehearsal: Rehearsal) -> str:
    """Check that the site's first page answers 200 at the visitors' address."""
    deployment = rehearsal.deployment
    url, headers = site_url(deployment), {}
    if deployment.is_local:
        # Browsers resolve names below localhost, but not every resolver does.
        headers = {"Host": urlsplit(url).netloc}
        url = f"{deployment.endpoint}/"

    def status() -> int | str:
        try:
            return httpx.get(url, headers=headers, timeout=60).status_code
        except httpx.HTTPError as error:
            return str(error)

    seen = rehearsal.until(status, httpx.codes.OK.__eq__, ANSWER_SECONDS)
    if seen != httpx.codes.OK:
        raise OperationError(f"The site answered {seen} at {site_url(deployment)}, not 200.")
    return "200"


def send_a_form(rehearsal: Rehearsal) -> str:
    """Send a form without a phone number and wait for the picks of the batch."""
    deployment = rehearsal.deployment
    with httpx.Client(base_url=f"{api_url(deployment)}/", timeout=60) as api:
        form = default_form(api, FORM_SEED, None)
    flow = follow_flow(deployment, form, seed=FORM_SEED, phone=None, deadline=FORM_SECONDS)
    rehearsal.visitors.add(flow.visitor_id)
    if not flow.picks:
        raise OperationError("The request ended without picks: see 'make status' and 'make logs'.")
    return f"{len(flow.picks)} picks, {flow.seconds:.1f} s after the form"


def deploy_again(rehearsal: Rehearsal) -> str:
    """Deploy the same work tree again and check that nothing changes."""
    deployment = rehearsal.deployment
    before = snapshot(deployment)
    changes = deploy(deployment)
    changed = differences(before, snapshot(deployment))
    if changes:
        changed.append(f"{changes} of Terraform's resources")
    if changed:
        raise OperationError(
            f"A second deployment of the same work tree changed {', '.join(changed)}."
        )
    return f"{len(before)} things are unchanged"


def deploy_a_change(rehearsal: Rehearsal) -> str:
    """Deploy a changed function from a copy of the sources and check that it answers."""
    deployment = rehearsal.deployment
    template = changed_sources(rehearsal.folder, rehearsal.mark)
    with Phases() as phases:
        with phases.phase("sam build"):
            sam.build_template(deployment, template)
        deploy_functions(deployment, phases)
    _expect_mark(rehearsal, rehearsal.mark)
    return "the changed function answers"


def roll_back_functions(rehearsal: Rehearsal) -> str:
    """Roll the functions back and check that the previous version answers."""
    show_rollback(roll_back(rehearsal.deployment))
    _expect_mark(rehearsal, None)
    return "the previous function answers"


def destroy_it(rehearsal: Rehearsal) -> str:
    """Destroy everything, unless visitors other than the rehearsal's own came."""
    deployment = rehearsal.deployment
    if strangers := visitors_with_ratings(deployment) - rehearsal.visitors:
        raise OperationError(
            f"Nothing was destroyed: {len(strangers)} visitors are not the rehearsal's."
            f" If nobody needs their data, run '{how_to_destroy(deployment)}'."
        )
    rehearsal.keys = disk_keys(deployment)
    with Phases() as phases:
        destroy(deployment, phases, confirmed=True)
    shutil.rmtree(rehearsal.folder, ignore_errors=True)
    return "done"


def nothing_is_left(rehearsal: Rehearsal) -> str:
    """Check that AWS lists nothing with the deployment's name."""
    deployment = rehearsal.deployment
    # AWS deletes a key only after its waiting period.
    for key_id in rehearsal.keys:
        if not is_pending_deletion(key_id):
            raise OperationError(f"The KMS key {key_id} of the nodes' disks is not being deleted.")
    if rehearsal.keys:
        rehearsal.notes.append("The KMS key of the nodes' disks is deleted after seven days.")
    there = rehearsal.until(lambda: inventory(deployment), lambda seen: not seen, GONE_SECONDS)
    rehearsal.left, rehearsal.unchecked = there.found, there.unchecked
    if there:
        raise OperationError(f"These resources of {deployment.name!r} are left: {there}.")
    unchecked = f"; not checked: {', '.join(there.unchecked)}" if there.unchecked else ""
    return f"no resource is named {deployment.prefix}{unchecked}"


def how_to_destroy(deployment: Deployment) -> str:
    """Return the command that destroys the deployment."""
    return "make stop" if deployment.is_local else f"make destroy ENV={deployment.name}"


def _expect_mark(rehearsal: Rehearsal, mark: str | None) -> None:
    def answering() -> str | None:
        try:
            return answering_mark(rehearsal.deployment)
        except httpx.HTTPError as error:
            return str(error)

    seen = rehearsal.until(answering, lambda mark_seen: mark_seen == mark, ANSWER_SECONDS)
    if seen != mark:
        raise OperationError(
            f"GET /health is answered by {seen or 'the first version'!r}, not by"
            f" {mark or 'the first version'!r}."
        )


STAGES = (
    Stage("count the costs", count_the_costs),
    Stage("deploy", deploy_first),
    Stage("plan is empty", plan_is_empty),
    Stage("import a small data set", import_small),
    Stage("open the site", open_the_site),
    Stage("form without a phone, picks", send_a_form),
    Stage("second deploy changes nothing", deploy_again),
    Stage("changed function deploys", deploy_a_change),
    Stage("roll back", roll_back_functions),
)
TAKE_DOWN = (
    Stage("destroy", destroy_it),
    Stage("nothing is left", nothing_is_left),
)
