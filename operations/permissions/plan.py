"""Read the policies that Terraform would create from a plan that needs no AWS account."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from operations import ROOT
from operations.errors import OperationError
from operations.terraform_mirror import provider_mirror

_FOLDER = ROOT / "terraform"
_PLANNED = "-test-directory=tests/rendered"

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """A statement of a policy; `actions` and `resources` are always tuples."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Document
    principal: Any = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document and the role or resource that it is attached to.

    Attributes:
        address: Terraform's address of the resource that contains the policy.
        attached_to: name of the role, or ARN of the resource, that the policy belongs to.
        document: the policy document.
    """

    address: str
    attached_to: str
    document: Document

    @property
    def statements(self) -> list[PolicyStatement]:
        """Return the document's statements."""
        return [
            PolicyStatement(
                sid=each.get("Sid", ""),
                effect=each["Effect"],
                actions=_listed(each.get("Action", [])),
                resources=_listed(each.get("Resource", [])),
                condition=each.get("Condition", {}),
                principal=each.get("Principal"),
            )
            for each in self.document["Statement"]
        ]


@dataclass(frozen=True, slots=True)
class RenderedPolicies:
    """All policies of a plan."""

    account: str
    region: str
    name: str
    roles: dict[str, Policy]  # inline policies by role name
    trusts: dict[str, Policy]  # trust policies by role name
    managed: dict[str, list[str]]  # ARNs of AWS managed policies by role name
    resource_policies: dict[str, Policy] = field(default_factory=dict)  # by ARN of the resource

    def all(self) -> Iterator[Policy]:
        """Yield the inline policies of roles and the policies of resources, not the trusts."""
        yield from self.roles.values()
        yield from self.resource_policies.values()


@cache
def rendered_policies() -> RenderedPolicies:
    """Plan the configuration against a mock AWS and read every policy from the plan; cached.

    Raises:
        OperationError: if Terraform is not on PATH or cannot plan.
    """
    return read_policies(_plan())


def read_policies(plan: Document) -> RenderedPolicies:
    """Read every policy from a plan that `terraform test -verbose -json` printed."""
    changes = [
        (change["address"], change["type"], change["change"]["after"] or {})
        for change in plan["resource_changes"]
        if change["mode"] == "managed"
    ]
    outputs = {name: change["after"] for name, change in plan["output_changes"].items()}
    account, region = outputs["account_id"], outputs["region"]
    rendered = RenderedPolicies(account, region, outputs["dashboard"], {}, {}, {})
    names = {address: after["name"] for address, kind, after in changes if kind == "aws_iam_role"}
    for address, kind, after in changes:
        match kind:
            case "aws_iam_role":
                trust = json.loads(after["assume_role_policy"])
                rendered.trusts[after["name"]] = Policy(address, after["name"], trust)
            case "aws_iam_role_policy":
                role = _role_of(address, names, plan)
                document = json.loads(after["policy"])
                if role in rendered.roles:  # several policies of one role count as one
                    document["Statement"] += rendered.roles[role].document["Statement"]
                rendered.roles[role] = Policy(address, role, document)
            case "aws_iam_role_policy_attachment":
                role = _role_of(address, names, plan)
                rendered.managed.setdefault(role, []).append(after["policy_arn"])
            case "aws_s3_bucket_policy" | "aws_sns_topic_policy" | "aws_sqs_queue" | "aws_kms_key":
                document = _document(after.get("policy"))
                if document:
                    arn = _attached_to(kind, after, document, region, account)
                    rendered.resource_policies[arn] = Policy(address, arn, document)
    return rendered


def _document(text: str | None) -> Document | None:
    """Parse a policy; None if the mock AWS filled the attribute with random letters."""
    return json.loads(text) if text and text.startswith("{") else None


def _attached_to(kind: str, after: Document, document: Document, region: str, account: str) -> str:
    """Return the ARN of the resource that a resource policy belongs to.

    A queue's ARN follows from its name. Any other policy names only its own resource, so the
    shortest resource in it is the ARN.
    """
    if kind == "aws_sqs_queue":
        return f"arn:aws:sqs:{region}:{account}:{after['name']}"
    resources = [each for s in document["Statement"] for each in _listed(s["Resource"])]
    return min(resources, key=len).removesuffix("/*")


def _role_of(address: str, names: dict[str, str], plan: Document) -> str:
    """Return the name of the role that an inline or attached policy belongs to.

    The attribute `role` is an id that only AWS assigns. The role is therefore taken from
    `plan["references"]`: the policy refers to one role, with the same key in brackets if any.
    """
    kind, _, rest = address.partition(".")
    key = f"[{rest.partition('[')[2]}" if "[" in rest else ""
    referred = plan["references"][f"{kind}.{rest.partition('[')[0]}"]
    return names[f"{referred}{key}"]


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _plan() -> Document:
    """Return the test's plan, with the role that each policy refers to under `references`."""
    program = shutil.which("terraform")
    if program is None:
        raise OperationError("Terraform is not on PATH: install version 1.11 or later.")
    with tempfile.TemporaryDirectory(prefix="marquee-permissions-") as folder:
        mirror = provider_mirror()
        _terraform(
            program,
            folder,
            *("init", "-backend=false", "-input=false", "-lockfile=readonly"),
            *([f"-plugin-dir={mirror}"] if mirror else []),
        )
        printed = _terraform(program, folder, "test", "-verbose", "-json", _PLANNED)
    events = [json.loads(line) for line in printed.splitlines()]
    plans = [event["test_plan"] for event in events if event["type"] == "test_plan"]
    if len(plans) != 1:
        raise OperationError(f"terraform test {_PLANNED} made {len(plans)} plans, not one.")
    plan: Document = plans[0]
    plan["references"] = _references()
    return plan


def _references() -> dict[str, str]:
    """Return the role that each policy resource refers to, read from the configuration."""
    found = {}
    for file in sorted(_FOLDER.glob("*.tf")):
        for block in file.read_text().split('\nresource "')[1:]:
            kind, _, rest = block.partition('" "')
            name = rest.partition('"')[0]
            if kind in ("aws_iam_role_policy", "aws_iam_role_policy_attachment"):
                line = next(each for each in block.splitlines() if each.strip().startswith("role "))
                role = line.partition("=")[2].strip().partition("[")[0]
                found[f"{kind}.{name}"] = ".".join(role.split(".")[:2])
    return found


def _terraform(program: str, folder: str, *arguments: str) -> str:
    # By the XDG folders Terraform finds an implied mirror.
    names = ("HOME", "PATH", "XDG_DATA_HOME", "XDG_DATA_DIRS")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    done = subprocess.run(
        [program, *arguments],
        cwd=_FOLDER,
        env=kept
        | {
            "TF_DATA_DIR": str(Path(folder) / "data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            # The plan uses a mock AWS, so the shell's AWS credentials must not reach it.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OperationError(f"terraform {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
