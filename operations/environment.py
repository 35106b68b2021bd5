"""Which deployment the operator means: `local`, or a name in the AWS account of the shell."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations import ROOT
from operations.errors import OperationError

LOCAL = "local"
STATES = ROOT / ".local"
DEFAULT_REGION = "us-east-1"
DEFAULT_PORT = 4566
# The one parameter that the first deployment makes, not Terraform.
TOKEN_SECRET = "token-secret"  # noqa: S105  its name
# Which clusters `make renew` is replacing; SSM takes no empty value.
FORMER_CLUSTERS = "former-cluster-ids"
NO_CLUSTERS = "none"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]")
_REGION = re.compile(r'^\s*region\s*=\s*"(?P<region>[a-z0-9-]+)"', re.MULTILINE)
# Anything here could make a local command reach a real account.
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
# Who acts on the local AWS, where that is not its root user: tests give a deployer's rights.
_LOCAL_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "MARQUEE_LOCAL_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY": "MARQUEE_LOCAL_SECRET_ACCESS_KEY",
}
_LOCAL_ROOT = "test"


@dataclass(frozen=True)
class Environment:
    """One deployment of Marquee."""

    name: str
    region: str = DEFAULT_REGION
    port: int = DEFAULT_PORT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise OperationError(
                f"ENV is {self.name!r}: use 2 to 16 lower-case letters, digits and hyphens,"
                " a letter first and no hyphen last."
            )

    @property
    def is_local(self) -> bool:
        return self.name == LOCAL

    @property
    def prefix(self) -> str:
        """What every AWS name of this deployment starts with."""
        return f"marquee-{self.name}"

    @property
    def state(self) -> Path:
        """Folder of what this machine knows about the deployment; never committed.

        MARQUEE_STATE moves it, so that tests run a deployment of their own beside a user's.
        """
        moved = os.environ.get("MARQUEE_STATE")
        return Path(moved).resolve() if moved else STATES / self.name

    @property
    def endpoint(self) -> str | None:
        """Address of the local AWS, None on AWS itself."""
        return f"http://localhost:{self.port}" if self.is_local else None

    @property
    def terraform_bucket(self) -> str:
        return f"{self.prefix}-{self.account_id}-terraform"

    @cached_property
    def account_id(self) -> str:
        try:
            return str(boto3.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise OperationError(self._unreachable(error)) from error

    def _unreachable(self, error: Exception) -> str:
        if self.is_local:
            return f"The local AWS does not answer at {self.endpoint}: start it with 'make local'."
        return f"AWS does not accept this shell's credentials ({error}): log in, then try again."

    def variables(self) -> dict[str, str]:
        """Return the process variables that make boto3, Terraform and SAM act on it.

        On the local AWS as its root user, or with the access key that MARQUEE_LOCAL_ACCESS_KEY_ID
        and MARQUEE_LOCAL_SECRET_ACCESS_KEY give; never with the shell's own, an account's.
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
                # A laptop's own configuration could name another endpoint or profile.
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }
        return variables

    def activate(self) -> None:
        """Make this process and those it starts act on this deployment."""
        if self.is_local:
            for name in list(os.environ):
                if name in _REAL_CREDENTIALS or name.startswith("AWS_ENDPOINT_URL"):
                    del os.environ[name]
        os.environ.update(self.variables())

    def parameter(self, name: str) -> str:
        """Return what Terraform (or the first deployment) published as `/marquee/<env>/<name>`."""
        try:
            return self.parameters[name]
        except KeyError:
            raise OperationError(
                f"Environment {self.name!r} has no parameter /marquee/{self.name}/{name}:"
                f" {self.how_to_deploy} first."
            ) from None

    @property
    def how_to_deploy(self) -> str:
        return "run 'make local'" if self.is_local else f"run 'make deploy ENV={self.name}'"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Return all published parameters; the secret among them stays encrypted."""
        return dict(self._published())

    @cached_property
    def parameters_digest(self) -> str:
        """Return 16 hexadecimal digits that change with any value Terraform published.

        Not with the secret, which no template resolves and which the first deployment makes after
        it has asked for the digest: the next one would find everything changed.
        """
        told = "\n".join(
            f"{name}={value}"
            for name, value in sorted(self.parameters.items())
            if name != TOKEN_SECRET
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def former_clusters(self) -> list[str]:
        """Return the clusters that an unfinished `make renew` is replacing."""
        published = self.parameters.get(FORMER_CLUSTERS, NO_CLUSTERS)
        return [] if published == NO_CLUSTERS else published.split(",")

    def forget_parameters(self) -> None:
        """Read the parameters again the next time: something has just published new ones."""
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
    """Return the file of Terraform variables that makes an environment what it is."""
    return ROOT / "terraform" / f"{name}.tfvars"


def region_of(name: str) -> str:
    """Return the region that the environment's variables name, else the shell's, else us-east-1."""
    file = variables_file(name)
    said = _REGION.search(file.read_text()) if file.is_file() else None
    if said:
        return said["region"]
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def chosen(name: str | None = None, port: int | None = None) -> Environment:
    """Return the environment that ENV and PORT choose, made the one this process acts on."""
    name = name or os.environ.get("ENV") or LOCAL
    asked = os.environ.get("PORT") or str(DEFAULT_PORT)
    if port is None and not (asked.isdigit() and 0 < int(asked) < 2**16):
        raise OperationError(f"PORT is {asked!r}: use a whole number from 1 to 65535.")
    environment = Environment(
        name=name,
        region=region_of(name),
        port=port or int(asked),
    )
    environment.activate()
    return environment
