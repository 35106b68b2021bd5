"""The deployment that commands act on: `local`, or one in the AWS account of the shell."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local_aws import launcher
from operations import ROOT
from operations.errors import OperationError

LOCAL = "local"
STATES = ROOT / ".local"
DEFAULT_REGION = "us-east-1"
DEFAULT_PORT = 4566
# The only parameter that the first deployment creates instead of Terraform.
TOKEN_SECRET = "token-secret"  # noqa: S105  its name
# Names the clusters that `make renew` is replacing. SSM does not accept an empty value.
FORMER_CLUSTERS = "former-cluster-ids"
NO_CLUSTERS = "none"
# What the site's pages say about the deployment, as JSON.
OPERATOR = "operator"
RETENTION = "retention"
# No template resolves these parameters.
_UNRESOLVED = {TOKEN_SECRET, OPERATOR, RETENTION}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]")
_REGION = re.compile(r'^\s*region\s*=\s*"(?P<region>[a-z0-9-]+)"', re.MULTILINE)
# Any of these variables could make a local command reach a real account.
_REAL_CREDENTIALS = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
# Credentials for the local AWS other than its root user's: tests use them to act as a deployer.
_LOCAL_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "MARQUEE_LOCAL_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY": "MARQUEE_LOCAL_SECRET_ACCESS_KEY",
}
_LOCAL_ROOT = "test"


@dataclass(frozen=True)
class Deployment:
    """One deployment of Marquee."""

    name: str
    region: str = DEFAULT_REGION
    port: int = DEFAULT_PORT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise OperationError(
                f"ENV is {self.name!r}: use 2 to 16 lower-case letters, digits and hyphens,"
                " starting with a letter and not ending with a hyphen."
            )

    @property
    def is_local(self) -> bool:
        """Whether this is the deployment on the local AWS."""
        return self.name == LOCAL

    @property
    def prefix(self) -> str:
        """Prefix of all AWS resource names of this deployment."""
        return f"marquee-{self.name}"

    @property
    def state(self) -> Path:
        """Folder of this machine's files about the deployment; never committed.

        MARQUEE_STATE overrides it, so that tests can run a deployment next to the operator's.
        """
        chosen = os.environ.get("MARQUEE_STATE")
        return Path(chosen).resolve() if chosen else STATES / self.name

    @property
    def endpoint(self) -> str | None:
        """URL of the local AWS; None for a deployment on AWS."""
        return f"http://localhost:{self.port}" if self.is_local else None

    @property
    def terraform_bucket(self) -> str:
        """Name of the bucket for Terraform's state."""
        return f"{self.prefix}-{self.account_id}-terraform"

    @cached_property
    def account_id(self) -> str:
        """Number of the account of the shell's credentials.

        Raises:
            OperationError: if AWS cannot be reached or does not accept the credentials.
        """
        try:
            return str(boto3.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise OperationError(self._unreachable(error)) from error

    def _unreachable(self, error: Exception) -> str:
        if self.is_local:
            return self.silence
        return f"AWS does not accept this shell's credentials ({error}): log in, then try again."

    @property
    def silence(self) -> str:
        """What to do when the local AWS does not answer; also what is lost if it has died."""
        silent = f"The local AWS does not answer at {self.endpoint}"
        if (self.state / launcher.RECORD).exists():
            return (
                f"{silent}, although it was started: what it held in memory (visitors, ratings, "
                "models, texts) is lost. 'make local' starts a new one with the catalogue."
            )
        return f"{silent}: start it with 'make local'."

    def variables(self) -> dict[str, str]:
        """Return the process variables that make boto3, Terraform and SAM act on this deployment.

        On the local AWS, they hold the access key in MARQUEE_LOCAL_ACCESS_KEY_ID and
        MARQUEE_LOCAL_SECRET_ACCESS_KEY, or else the root user's. They never hold the shell's own
        credentials, which belong to a real account.
        """
        variables = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.is_local:
            variables |= {
                "AWS_ENDPOINT_URL": f"http://localhost:{self.port}",
                **{
                    name: os.environ.get(own, _LOCAL_ROOT)
                    for name, own in _LOCAL_CREDENTIALS.items()
                },
                "AWS_EC2_METADATA_DISABLED": "true",
                # The operator's own AWS configuration could name another endpoint or profile.
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }
        return variables

    def activate(self) -> None:
        """Make this process and its child processes act on this deployment."""
        if self.is_local:
            for name in list(os.environ):
                if name in _REAL_CREDENTIALS or name.startswith("AWS_ENDPOINT_URL"):
                    del os.environ[name]
        os.environ.update(self.variables())

    def parameter(self, name: str) -> str:
        """Return the SSM parameter `/marquee/<env>/<name>`.

        Terraform publishes it, or, for the token secret, the first deployment.

        Raises:
            OperationError: if there is no such parameter, or AWS cannot be reached.
        """
        try:
            return self.parameters[name]
        except KeyError:
            raise OperationError(
                f"Deployment {self.name!r} has no parameter /marquee/{self.name}/{name}:"
                f" {self.how_to_deploy} first."
            ) from None

    @property
    def how_to_deploy(self) -> str:
        """Advice for error messages: which command deploys this."""
        return "run 'make local'" if self.is_local else f"run 'make deploy ENV={self.name}'"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Return all SSM parameters of the deployment by name; the token secret stays encrypted."""
        return dict(self._published())

    @cached_property
    def parameters_digest(self) -> str:
        """Return 16 hexadecimal digits that change with any value that the template resolves.

        A value that it does not resolve changes nothing for the functions. The token secret would
        even make the second deployment find everything changed, because the first one creates it
        only after it computes the digest.
        """
        published = "\n".join(
            f"{name}={value}"
            for name, value in sorted(self.parameters.items())
            if name not in _UNRESOLVED
        )
        return hashlib.sha256(published.encode()).hexdigest()[:16]

    @property
    def former_clusters(self) -> list[str]:
        """Return the ids of the clusters that an unfinished `make renew` is replacing."""
        published = self.parameters.get(FORMER_CLUSTERS, NO_CLUSTERS)
        return [] if published == NO_CLUSTERS else published.split(",")

    def forget_parameters(self) -> None:
        """Clear the cached parameters, because new ones were just published."""
        for name in ("parameters", "parameters_digest"):
            self.__dict__.pop(name, None)

    def _published(self) -> Iterator[tuple[str, str]]:
        path = f"/marquee/{self.name}/"
        pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        try:
            for page in pages:
                for parameter in page["Parameters"]:
                    yield parameter["Name"].removeprefix(path), parameter["Value"]
        except (BotoCoreError, ClientError) as error:
            raise OperationError(self._unreachable(error)) from error


def variables_file(name: str) -> Path:
    """Return the path of a deployment's file of Terraform variables; it may not exist."""
    return ROOT / "terraform" / f"{name}.tfvars"


def region_of(name: str) -> str:
    """Return the region in the deployment's variables file, else the shell's, else us-east-1."""
    file = variables_file(name)
    said = _REGION.search(file.read_text()) if file.is_file() else None
    if said:
        return said["region"]
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def _port_in_use(name: str) -> int:
    """Return the port of this work tree's local AWS if it runs, else the default."""
    running = launcher.running_local_aws(Deployment(name).state) if name == LOCAL else None
    return running.port if running else DEFAULT_PORT


def choose_deployment(name: str | None = None, port: int | None = None) -> Deployment:
    """Return the deployment that ENV and PORT choose, and make this process act on it.

    Without PORT, the local AWS that this work tree has started is used, on whatever port.

    Raises:
        OperationError: if ENV or PORT is invalid.
    """
    name = name or os.environ.get("ENV") or LOCAL
    asked = os.environ.get("PORT") or str(_port_in_use(name))
    if port is None and not (asked.isdigit() and 0 < int(asked) < 2**16):
        raise OperationError(f"PORT is {asked!r}: use a whole number from 1 to 65535.")
    deployment = Deployment(
        name=name,
        region=region_of(name),
        port=port or int(asked),
    )
    deployment.activate()
    return deployment
