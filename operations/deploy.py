"""Deploy to an AWS account: `make deploy ENV=…`. `make local` reuses some of these phases."""

from rich.markup import escape

from operations import sam
from operations.addresses import api_url, site_url
from operations.bootstrap import bootstrap, tag_bucket
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model
from operations.preflight.run import pass_preflight
from operations.scripts import publish_scripts
from operations.site import invalidate, publish_site
from operations.site_facts import operator_warning
from operations.terraform import CLUSTER, Plan, Terraform
from operations.token_secret import make_token_secret
from operations.tools import require
from operations.wheels import fetch_wheels


def deploy(deployment: Deployment) -> int:
    """Make the account match the work tree, then print the addresses of the site and the API.

    Returns:
        How many of Terraform's resources were added, changed and destroyed.
    """
    require("terraform")
    with Phases() as phases:
        pass_preflight(deployment, phases, making=True)
        fetch_node_wheels(deployment, phases)
        changes = apply_terraform(deployment, phases)
        with phases.phase("sam build"):
            sam.build_template(deployment)
        deploy_functions(deployment, phases)
        with phases.phase("publish the site") as phase:
            changed = publish_site(deployment)
            # Terraform omits null outputs, and without CloudFront this one is null.
            distribution = Terraform(deployment).outputs().get("site_distribution_id")
            if changed and distribution:
                invalidate(distribution)
            phase.result = f"{changed} objects changed"
    print_addresses(deployment)
    if warning := operator_warning(deployment):
        out.print(f"[yellow]warning[/] {escape(warning)}")
    if former := deployment.former_clusters:
        out.print(
            f"The renewal of the cluster is not finished ({', '.join(former)} is still there):"
            f" run 'make renew ENV={deployment.name}'."
        )
    return changes


def fetch_node_wheels(deployment: Deployment, phases: Phases) -> None:
    """Fetch the EMR nodes' wheels; without them Terraform would delete the uploaded ones."""
    if not deployment.is_local:  # local steps run in an existing Python environment
        with phases.phase("fetch the EMR nodes' wheels"):
            fetch_wheels(deployment)


def apply_terraform(deployment: Deployment, phases: Phases) -> int:
    """Create the state bucket if it does not exist, then apply Terraform.

    Returns:
        How many resources were added, changed and destroyed.

    Raises:
        OperationError: on AWS, if the plan would replace the cluster.
    """
    with phases.phase("terraform apply") as phase:
        phase.detail("state bucket")
        bootstrap(deployment)
        terraform = Terraform(deployment)
        phase.detail("init")
        terraform.init()
        if not deployment.is_local:  # locally, replacing the cluster delays no visitor's text
            phase.detail("plan")
            refuse_to_replace_cluster(deployment, terraform.plan())

        def progress(done: int, planned: int | None, name: str) -> None:
            phase.detail(f"{done} of {planned or '?'}: {name}")
            if planned:
                phase.bar(done, planned)

        changes = terraform.apply(progress)
        tag_bucket(deployment, terraform.outputs()["tags"])
        phase.result = f"{changes} changes"
    deployment.forget_parameters()
    return changes


def refuse_to_replace_cluster(deployment: Deployment, plan: Plan) -> None:
    """Raise OperationError if a plan replaces the cluster, which would end its running steps."""
    if sentence := cluster_replacement(deployment, plan):
        raise OperationError(sentence)


def cluster_replacement(deployment: Deployment, plan: Plan) -> str | None:
    """Return a warning with the alternative if a plan replaces the cluster, else None."""
    attributes = plan.replaces_for(CLUSTER)
    if attributes is None:
        return None
    because = f" ({', '.join(attributes)})" if attributes else ""
    return (
        f"This change replaces the cluster{because}, which would end its steps:"
        f" run 'make renew ENV={deployment.name}', which lets them finish first."
    )


def deploy_functions(deployment: Deployment, phases: Phases) -> None:
    """Publish the step scripts, create the token secret and deploy the built functions."""
    with phases.phase("publish the EMR steps") as phase:
        scripts = publish_scripts(deployment)
        make_token_secret(deployment)
        phase.result = scripts
    with phases.phase("sam deploy") as phase:
        sam.deploy_stack(deployment, scripts, phase.detail)


def print_addresses(deployment: Deployment) -> None:
    """Print the addresses of the deployment and the commands to run next."""
    suffix = "" if deployment.is_local else f" ENV={deployment.name}"
    out.print()
    out.print(f"site   [bold]{site_url(deployment)}[/]")
    out.print(f"API    {api_url(deployment)}")
    if deployment.is_local:
        out.print("texts  make texts")
    out.print(f"flow   make flow{suffix}")
    if current_model(deployment) is None:
        out.print(f"There is no model yet: import ratings with 'make import DATA=…{suffix}'.")
