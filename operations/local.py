"""Run all of Marquee on this machine (`make local`) and remove it again (`make stop`)."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import httpx

from local_aws import launcher
from local_aws.instance import PATH as INSTANCE
from operations import ROOT, releases, sam
from operations.addresses import api_url
from operations.catalogue import import_catalogue
from operations.console import Phases
from operations.deploy import apply_terraform, deploy_functions, print_addresses
from operations.deployment import STATES, Deployment
from operations.errors import OperationError
from operations.fingerprints import PhaseRecord, files_under, fingerprint
from operations.models import current_model
from operations.scripts import content_hash, published_files
from operations.site import FOLDER as SITE
from operations.site import publish_site
from operations.site_facts import site_facts
from operations.tools import require


def start_deployment(deployment: Deployment) -> None:
    """Start the local deployment; skip the parts that already run and have not changed."""
    if not deployment.is_local:
        raise OperationError(
            f"ENV is {deployment.name!r}: 'make local' is for this machine only, so unset ENV."
        )
    with Phases() as phases:
        start_local_aws(deployment, phases)
        done = PhaseRecord(deployment.state / "done.json", running_instance(deployment))
        with ThreadPoolExecutor() as background:
            building = background.submit(build_functions, deployment, phases, done)
            _infrastructure(deployment, phases, done)
            deploying = background.submit(_functions, deployment, phases, done, building)
            if current_model(deployment) is None:
                import_catalogue(deployment, phases)
            deploying.result()
        _site(deployment, phases, done)
    print_addresses(deployment)


def start_local_aws(deployment: Deployment, phases: Phases) -> None:
    """Start an empty local AWS, unless one is already running."""
    require("java")
    require("terraform")
    require("openblas")
    with phases.phase("local AWS") as phase:
        phase.result = _local_aws(deployment, "start", "--port", str(deployment.port))


def local_aws_runs(deployment: Deployment) -> bool:
    """Return whether the local AWS of this deployment's state folder is running."""
    return launcher.running_local_aws(deployment.state) is not None


def stop_deployment(deployment: Deployment) -> str:
    """Stop the local AWS and delete everything in it; return a sentence that says so.

    Raises:
        OperationError: if the state folder, which may hold visitors' data, cannot be removed.
    """
    _local_aws(deployment, "stop")
    shutil.rmtree(deployment.state, ignore_errors=True)
    if deployment.state.exists():
        raise OperationError(
            f"{deployment.state} could not be deleted and may contain visitors' data: "
            "delete it yourself."
        )
    with suppress(OSError):  # fails if another deployment's state is in there
        STATES.rmdir()
    return "The local AWS is stopped and its data is deleted."


def terraform_inputs(deployment: Deployment) -> str:
    """Return the fingerprint of the inputs of `terraform apply`."""
    files = [file for file in files_under(ROOT / "terraform") if not _left_by_terraform(file.name)]
    return fingerprint(files, str(deployment.port))


def functions_inputs(deployment: Deployment) -> str:
    """Return the fingerprint of the sources of the functions and their stack."""
    files = files_under(ROOT / "sam", ROOT / "functions", ROOT / "layer")
    return fingerprint(files, str(deployment.port))


def _left_by_terraform(name: str) -> bool:
    return name.startswith(".terraform") or ".tfstate" in name


def build_functions(deployment: Deployment, phases: Phases, done: PhaseRecord) -> None:
    """Build the functions with SAM unless their inputs are unchanged since the last build."""
    inputs = functions_inputs(deployment)
    if done.holds("build", inputs):
        return
    with phases.phase("sam build"):
        sam.build_template(deployment)
    done.record("build", inputs)


def _infrastructure(deployment: Deployment, phases: Phases, done: PhaseRecord) -> None:
    inputs = terraform_inputs(deployment)
    if not done.holds("terraform", inputs):
        apply_terraform(deployment, phases)
        done.record("terraform", inputs)


def _functions(
    deployment: Deployment, phases: Phases, done: PhaseRecord, building: Future[None]
) -> None:
    building.result()
    inputs = " ".join(
        [
            functions_inputs(deployment),
            content_hash(published_files()),
            deployment.parameters_digest,
        ]
    )
    if done.holds("functions", inputs):
        releases.advance_aliases(deployment)  # a rollback may have moved the aliases since
    else:
        deploy_functions(deployment, phases)
        done.record("functions", inputs)


def _site(deployment: Deployment, phases: Phases, done: PhaseRecord) -> None:
    facts = json.dumps(site_facts(deployment))
    inputs = fingerprint(files_under(SITE), api_url(deployment), facts)
    if not done.holds("site", inputs):
        with phases.phase("publish the site") as phase:
            phase.result = f"{publish_site(deployment)} objects changed"
        done.record("site", inputs)


def _local_aws(deployment: Deployment, command: str, *arguments: str) -> str:
    """Run a command of `python -m local_aws`; return the sentence that it prints."""
    called = subprocess.run(
        [
            *(sys.executable, "-m", "local_aws", command),
            *("--state", str(deployment.state), *arguments),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if called.returncode:
        raise OperationError(called.stderr.strip() or called.stdout.strip())
    return called.stdout.strip()


def running_instance(deployment: Deployment) -> str:
    """Return the id of this run of the local AWS; each run starts empty, with state in memory."""
    answer = httpx.get(f"{deployment.endpoint}{INSTANCE}", timeout=30)
    return str(answer.json()["instance"])
