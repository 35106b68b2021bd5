"""The resources that Terraform would create, read from a plan against a mock AWS."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

TESTED_BY_PLANNING = "-test-directory=tests/variables_files"


@dataclass(frozen=True)
class Plan:
    """The resources of one plan, and the types that the provider can tag."""

    resources: dict[str, dict[str, Any]]
    types: dict[str, str]
    taggable: frozenset[str]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the planned attributes of each resource of this type, by address."""
        return {
            address: values
            for address, values in self.resources.items()
            if self.types[address] == kind
        }

    def one(self, address: str) -> dict[str, Any]:
        return self.resources[address]

    def policy(self, address: str, attribute: str = "policy") -> dict[str, Any]:
        """Return a resource's policy document, decoded."""
        document: dict[str, Any] = json.loads(self.one(address)[attribute])
        return document


def read_plan(done: subprocess.CompletedProcess[str]) -> Plan:
    """Parse the output of `terraform test -json -verbose`; fail with its errors, if any."""
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    plans = [each["test_plan"] for each in messages if each["type"] == "test_plan"]
    errors = [each["@message"] for each in messages if each["@level"] == "error"]
    assert done.returncode == 0, f"{errors}\n{done.stderr}"
    assert len(plans) == 1, f"{len(plans)} plans were made, not one"
    managed = [each for each in plans[0]["resource_changes"] if each["mode"] == "managed"]
    schemas: dict[str, Any] = {}
    for provider in plans[0]["provider_schemas"].values():
        schemas |= provider.get("resource_schemas", {})
    return Plan(
        resources={each["address"]: each["change"]["after"] for each in managed},
        types={each["address"]: each["type"] for each in managed},
        taggable=frozenset(
            kind for kind, schema in schemas.items() if "tags_all" in schema["block"]["attributes"]
        ),
    )
