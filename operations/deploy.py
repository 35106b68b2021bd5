"""Deploy into an AWS account: `make deploy ENV=…`; each part is also what `make local` does."""

from operations import sam
from operations.addresses import api_url, site_url
from operations.bootstrap import bootstrap, tag_bucket
from operations.console import Phases, out
from operations.environment import Environment
from operations.errors import OperationError
from operations.models import current_model
from operations.preflight.run import pass_preflight
from operations.scripts import publish_scripts
from operations.site import invalidate, publish_site
from operations.terraform import CLUSTER, Plan, Terraform
from operations.token_secret import make_token_secret
from operations.tools import require
from operations.wheels import fetch_wheels


def deploy(environment: Environment) -> None:
    """Make the account match the work tree, then say where the service answers."""
    require("terraform")
    with Phases() as phases:
        pass_preflight(environment, phases, making=True)
        fetch_node_wheels(environment, phases)
        apply_terraform(environment, phases)
        with phases.phase("sam build"):
            sam.build(environment)
        deploy_functions(environment, phases)
        with phases.phase("publish the site") as phase:
            changed = publish_site(environment)
            # Terraform leaves out outputs that are null: without CloudFront there is none.
            distribution = Terraform(environment).outputs().get("site_distribution_id")
            if changed and distribution:
                invalidate(distribution)
            phase.result = f"{changed} objects changed"
    print_addresses(environment)
    if former := environment.former_clusters:
        out.print(
            f"The renewal of the cluster is not finished ({', '.join(former)} is still there):"
            f" run 'make renew ENV={environment.name}'."
        )


def fetch_node_wheels(environment: Environment, phases: Phases) -> None:
    """Fetch what Terraform uploads for the nodes; without it Terraform would delete the upload."""
    if not environment.is_local:  # local steps run in an environment that is there already
        with phases.phase("fetch the EMR nodes' wheels"):
            fetch_wheels(environment)


def apply_terraform(environment: Environment, phases: Phases) -> None:
    """Make the state bucket where there is none, and everything that lives long."""
    with phases.phase("terraform apply") as phase:
        phase.detail("state bucket")
        bootstrap(environment)
        terraform = Terraform(environment)
        phase.detail("init")
        terraform.init()
        if not environment.is_local:  # nobody's text is late on a laptop
            phase.detail("plan")
            refuse_to_replace_cluster(environment, terraform.plan())
        finished = 0

        def progress(done: int, planned: int | None, name: str) -> None:
            nonlocal finished
            finished = done
            phase.detail(f"{done} of {planned or '?'}: {name}")
            if planned:
                phase.bar(done, planned)

        terraform.apply(progress)
        tag_bucket(environment, terraform.outputs()["tags"])
        phase.result = f"{finished} changes"
    environment.forget_parameters()


def refuse_to_replace_cluster(environment: Environment, plan: Plan) -> None:
    """Raise OperationError where a plan replaces the cluster: its steps would end with it."""
    if sentence := cluster_replacement(environment, plan):
        raise OperationError(sentence)


def cluster_replacement(environment: Environment, plan: Plan) -> str | None:
    """Say that a plan replaces the cluster and what to do instead; None where it does not."""
    attributes = plan.replaces_for(CLUSTER)
    if attributes is None:
        return None
    because = f" ({', '.join(attributes)})" if attributes else ""
    return (
        f"This change replaces the cluster{because}, and steps would end with the old one:"
        f" run 'make renew ENV={environment.name}', which makes it without losing any."
    )


def deploy_functions(environment: Environment, phases: Phases) -> None:
    """Publish the step scripts, make the secret, deploy the built functions."""
    with phases.phase("publish the EMR steps") as phase:
        scripts = publish_scripts(environment)
        make_token_secret(environment)
        phase.result = scripts
    with phases.phase("sam deploy") as phase:
        sam.deploy(environment, scripts, phase.detail)


def print_addresses(environment: Environment) -> None:
    """Say where to go from here."""
    suffix = "" if environment.is_local else f" ENV={environment.name}"
    out.print()
    out.print(f"site   [bold]{site_url(environment)}[/]")
    out.print(f"API    {api_url(environment)}")
    if environment.is_local:
        out.print("texts  make texts")
    out.print(f"flow   make flow{suffix}")
    if current_model(environment) is None:
        out.print(f"There is no model yet: bring ratings in with 'make import DATA=…{suffix}'.")
