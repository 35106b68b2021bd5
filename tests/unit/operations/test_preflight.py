"""Each check of the preflight with its results ok, warning and stop, by prepared AWS answers."""

import json
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations import __main__ as command_line
from operations import planned
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.planned import Resource
from operations.preflight import caller, cluster, leftovers, machine, quotas, run, texts
from operations.preflight.account import AccessDeniedError, Account, NoAnswerError
from operations.preflight.needs import needs
from operations.preflight.result import CheckResult, Level
from operations.preflight.rights import RIGHTS
from operations.sam_template import Template, load_template
from tests.unit.operations.stubbed_account import NEEDS, NUMBER, StubbedAccount, needing

ROLE = f"arn:aws:sts::{NUMBER}:assumed-role/Deployer/somebody"
ROOT_USER = f"arn:aws:iam::{NUMBER}:root"
BUCKET = f"marquee-staging-{NUMBER}-terraform"


@pytest.fixture
def account() -> StubbedAccount:
    return StubbedAccount()


def level(result: CheckResult) -> tuple[Level, str]:
    return result.level, result.found


# ---------------------------------------------------------------------------------------------
# The deployer
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "staging.tfvars"
    monkeypatch.setattr(caller, "variables_file", lambda _: file)
    return file


def test_credentials_of_the_right_account_are_ok(account: StubbedAccount, variables: Path) -> None:
    variables.write_text(f'account_id = "{NUMBER}"\n')

    assert level(caller.check_credentials(account)) == (
        Level.OK,
        f"account {NUMBER}, user/operator",
    )


def test_credentials_of_another_account_stop(account: StubbedAccount, variables: Path) -> None:
    variables.write_text('account_id = "999999999999"\n')

    result = caller.check_credentials(account)

    assert result.level is Level.STOP
    assert "999999999999" in result.found


def test_the_root_user_is_a_warning(variables: Path) -> None:
    assert caller.check_credentials(StubbedAccount(ROOT_USER)).level is Level.WARNING


def simulated(account: StubbedAccount, *decisions: tuple[str, str, list[str]]) -> None:
    results = [
        {"EvalActionName": action, "EvalDecision": decision, "MissingContextValues": missing}
        for action, decision, missing in decisions
    ]
    answer = {"EvaluationResults": results, "IsTruncated": False}
    account.answers("iam", "simulate_principal_policy", answer)


def test_a_caller_with_every_right_is_ok(account: StubbedAccount) -> None:
    simulated(
        account, ("sqs:CreateQueue", "allowed", []), ("sqs:SetQueueAttributes", "allowed", [])
    )

    result = caller.check_rights(account, NEEDS, making=True)

    assert level(result) == (Level.OK, "2 actions are allowed")


@pytest.mark.parametrize(("making", "expected"), [(True, Level.STOP), (False, Level.WARNING)])
def test_a_missing_right_stops_a_deployment_and_warns_before_a_plan(
    account: StubbedAccount, making: bool, expected: Level
) -> None:
    simulated(account, ("sqs:CreateQueue", "implicitDeny", []))

    result = caller.check_rights(account, NEEDS, making=making)

    assert level(result) == (expected, "sqs:CreateQueue would be denied")


def test_a_right_that_depends_on_a_tag_of_the_request_is_only_a_warning(
    account: StubbedAccount,
) -> None:
    simulated(account, ("sqs:CreateQueue", "implicitDeny", ["aws:RequestTag/project"]))

    assert caller.check_rights(account, NEEDS, making=True).level is Level.WARNING


def test_a_missing_condition_key_of_a_named_resource_is_only_a_warning(
    account: StubbedAccount,
) -> None:
    """When a resource is named, IAM lists missing condition keys in that resource's result."""
    on_queue = {
        "EvalResourceName": f"arn:aws:sqs:us-east-1:{NUMBER}:marquee-staging-visitors",
        "EvalResourceDecision": "implicitDeny",
        "MissingContextValues": ["aws:RequestTag/environment"],
    }
    result = {
        "EvalActionName": "sqs:CreateQueue",
        "EvalDecision": "implicitDeny",
        "MissingContextValues": [],
        "ResourceSpecificResults": [on_queue],
    }
    account.answers(
        "iam",
        "simulate_principal_policy",
        {"EvaluationResults": [result], "IsTruncated": False},
    )

    assert caller.check_rights(account, NEEDS, making=True).level is Level.WARNING


def test_the_rights_are_simulated_for_the_names_of_the_deployment(account: StubbedAccount) -> None:
    account.answers(
        "iam",
        "simulate_principal_policy",
        {"EvaluationResults": [], "IsTruncated": False},
        PolicySourceArn=f"arn:aws:iam::{NUMBER}:user/operator",
        ActionNames=["sqs:CreateQueue", "sqs:SetQueueAttributes"],
        ResourceArns=[f"arn:aws:sqs:us-east-1:{NUMBER}:marquee-staging-visitors"],
    )

    caller.check_rights(account, NEEDS, making=True)

    account.everything_asked()


def test_a_session_is_simulated_as_its_role_with_the_roles_path() -> None:
    account = StubbedAccount(ROLE)
    whole = f"arn:aws:iam::{NUMBER}:role/aws-reserved/sso/Deployer"
    role = {
        "Path": "/aws-reserved/sso/",
        "RoleName": "Deployer",
        "RoleId": "AROAEXAMPLEEXAMPLE",
        "Arn": whole,
        "CreateDate": "2026-01-01T00:00:00Z",
    }
    account.answers("iam", "get_role", {"Role": role}, RoleName="Deployer")

    assert caller.principal(account) == whole


def test_a_session_whose_role_cannot_be_read_is_simulated_by_the_name_of_the_role() -> None:
    account = StubbedAccount(ROLE)
    account.refuses("iam", "get_role", "AccessDenied")

    assert caller.principal(account) == f"arn:aws:iam::{NUMBER}:role/Deployer"


def test_the_error_of_a_caller_who_may_not_simulate_names_the_missing_right(
    account: StubbedAccount,
) -> None:
    account.refuses("iam", "simulate_principal_policy", "AccessDenied", status=403)

    result = run.answered("rights", lambda: caller.check_rights(account, NEEDS, making=True))

    assert result.level is Level.WARNING
    assert "iam:SimulatePrincipalPolicy" in result.found


def test_the_root_user_is_not_simulated() -> None:
    result = caller.check_rights(StubbedAccount(ROOT_USER), NEEDS, making=True)

    assert result.level is Level.SKIPPED


def test_the_rights_for_every_kind_of_resource_are_known() -> None:
    files = (Path(__file__).parents[3] / "terraform").glob("*.tf")
    declared = {
        kind
        for file in files
        for kind in re.findall(r'^resource "(\w+)"', file.read_text(), re.MULTILINE)
    }
    templated = {str(each["Type"]) for each in load_template({}).resources.values()}

    unknown = (declared | templated) - RIGHTS.keys()

    assert unknown == set(), "add what making them takes to operations/preflight/rights.py"


def every_service() -> list[dict[str, Any]]:
    """Return AWS's list of actions, which is part of the policy linter."""
    linter = find_spec("parliament")
    assert linter
    assert linter.origin
    services: list[dict[str, Any]] = json.loads(
        Path(linter.origin).with_name("iam_definition.json").read_text()
    )
    return services


def test_every_action_that_is_simulated_exists() -> None:
    known = {
        f"{service['prefix']}:{privilege['privilege']}".lower()
        for service in every_service()
        for privilege in service["privileges"]
    }
    asked = {action for rights in RIGHTS.values() for _, actions in rights for action in actions}

    assert {action for action in asked if action.lower() not in known} == set()


# ---------------------------------------------------------------------------------------------
# Quotas
# ---------------------------------------------------------------------------------------------


def runs(account: StubbedAccount, *instances: dict[str, Any]) -> None:
    """Prepare an account with these instances, with our cluster j-OURS and another cluster."""
    named = [{"Id": "j-OURS", "Name": "marquee-staging"}, {"Id": "j-OTHER", "Name": "other"}]
    account.answers("emr", "list_clusters", {"Clusters": named})
    reservations = [{"Instances": list(instances)}] if instances else []
    account.answers("ec2", "describe_instances", {"Reservations": reservations})
    types = [
        {"InstanceType": kind, "VCpuInfo": {"DefaultVCpus": vcpus}}
        for kind, vcpus in (("m7g.xlarge", 4), ("t3.micro", 2))
    ]
    account.answers("ec2", "describe_instance_types", {"InstanceTypes": types})


def node(cluster_id: str) -> dict[str, Any]:
    tag = {"Key": "aws:elasticmapreduce:job-flow-id", "Value": cluster_id}
    return {"InstanceType": "m7g.xlarge", "Tags": [tag]}


@pytest.mark.parametrize(
    ("limit", "expected"), [(5, Level.STOP), (11, Level.STOP), (12, Level.WARNING), (24, Level.OK)]
)
def test_the_quota_must_fit_the_cluster_and_should_fit_a_second_one(
    account: StubbedAccount, limit: float, expected: Level
) -> None:
    account.has_quota(limit)
    runs(account)

    assert quotas.check_vcpus(account, NEEDS).level is expected


def test_other_instances_count_against_the_quota_and_the_own_cluster_does_not(
    account: StubbedAccount,
) -> None:
    account.has_quota(20)
    runs(account, node("j-OURS"), node("j-OTHER"), {"InstanceType": "t3.micro"})

    result = quotas.check_vcpus(account, NEEDS)

    assert result.level is Level.WARNING
    assert result.found.startswith("12 of 20 needed, 6 in use by others")


def test_spot_and_other_families_count_against_other_quotas(account: StubbedAccount) -> None:
    account.has_quota(24)
    spot = {"InstanceType": "m7g.xlarge", "InstanceLifecycle": "spot"}
    runs(account, spot, {"InstanceType": "g5.xlarge"}, {"InstanceType": "inf1.xlarge"})

    assert quotas.check_vcpus(account, NEEDS).level is Level.OK


def test_nodes_of_a_family_with_another_quota_are_a_warning(account: StubbedAccount) -> None:
    result = quotas.check_vcpus(account, needing(nodes=Counter({"g5.xlarge": 1})))

    assert result.level is Level.WARNING


@pytest.mark.parametrize(("limit", "expected"), [(15, Level.WARNING), (16, Level.OK)])
def test_too_small_a_quota_for_spot_is_a_warning(
    account: StubbedAccount, limit: float, expected: Level
) -> None:
    account.has_quota(limit)
    kind = {"InstanceType": "m7g.xlarge", "VCpuInfo": {"DefaultVCpus": 4}}
    account.answers("ec2", "describe_instance_types", {"InstanceTypes": [kind]})

    needed = needing(spot=Counter({"m7g.xlarge": 4}))

    assert quotas.check_spot_vcpus(account, needed).level is expected


def test_a_cluster_without_spot_nodes_needs_no_quota_for_them(account: StubbedAccount) -> None:
    assert quotas.check_spot_vcpus(account, NEEDS).found == "none needed"


def test_too_few_processors_link_to_the_quotas_page_of_the_region(
    account: StubbedAccount,
) -> None:
    account.has_quota(5)
    runs(account)

    result = quotas.check_vcpus(account, NEEDS)

    assert "at least 12" in result.fix
    assert result.link == (
        "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/"
        "L-1216C47A?region=us-east-1"
    )


def test_a_quota_that_was_never_changed_is_the_default_of_aws(account: StubbedAccount) -> None:
    account.refuses("service-quotas", "get_service_quota", "NoSuchResourceException")
    default = {"Quota": {"Value": 5.0}}
    account.answers("service-quotas", "get_aws_default_service_quota", default)

    assert quotas.quota(account, "ec2", "L-1216C47A") == 5.0


def test_a_quota_that_the_caller_may_not_read_is_a_warning(account: StubbedAccount) -> None:
    account.refuses("service-quotas", "get_service_quota", "AccessDeniedException")

    result = run.answered("VPCs", lambda: quotas.check_room(account, NEEDS, quotas.VPCS))

    assert result.level is Level.WARNING
    assert "servicequotas:GetServiceQuota" in result.fix


def vpc(name: str) -> dict[str, Any]:
    return {"Tags": [{"Key": "Name", "Value": name}]}


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([vpc("a")] * 4, Level.OK),
        ([vpc("a")] * 5, Level.STOP),
        ([*[vpc("a")] * 4, vpc("marquee-staging")], Level.OK),
    ],
)
def test_one_more_network_must_fit_unless_it_already_exists(
    account: StubbedAccount, there: list[dict[str, Any]], expected: Level
) -> None:
    account.has_quota(5)
    account.answers("ec2", "describe_vpcs", {"Vpcs": there})

    assert quotas.check_room(account, NEEDS, quotas.VPCS).level is expected


@pytest.mark.parametrize(("there", "expected"), [(4, Level.OK), (5, Level.STOP)])
def test_one_more_internet_gateway_must_fit(
    account: StubbedAccount, there: int, expected: Level
) -> None:
    account.has_quota(5)
    answer = {"InternetGateways": [vpc("a")] * there}
    account.answers("ec2", "describe_internet_gateways", answer)

    assert quotas.check_room(account, NEEDS, quotas.INTERNET_GATEWAYS).level is expected


def test_elastic_addresses_are_checked_only_where_one_is_planned(
    account: StubbedAccount,
) -> None:
    assert quotas.check_room(account, NEEDS, quotas.ELASTIC_IPS).level is Level.OK

    account.has_quota(5)
    account.answers("ec2", "describe_addresses", {"Addresses": [vpc("a")] * 5})
    planned_one = needing(counts=Counter({"aws_eip": 1}))
    assert quotas.check_room(account, planned_one, quotas.ELASTIC_IPS).level is Level.STOP


@pytest.mark.parametrize(
    ("limit", "reserved", "expected"),
    [(1000, 0, Level.OK), (10, 0, Level.WARNING), (110, 20, Level.STOP)],
)
def test_the_concurrency_of_lambda_must_suffice_for_queues_and_api(
    account: StubbedAccount, limit: int, reserved: int, expected: Level
) -> None:
    limits = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}
    account.answers("lambda", "get_account_settings", {"AccountLimit": limits})

    assert quotas.check_concurrency(account, needing(reserved=reserved)).level is expected


# ---------------------------------------------------------------------------------------------
# The cluster's region
# ---------------------------------------------------------------------------------------------


def test_a_release_that_the_region_offers_is_ok(account: StubbedAccount) -> None:
    answer = {"ReleaseLabel": NEEDS.release}
    account.answers("emr", "describe_release_label", answer, ReleaseLabel=NEEDS.release)

    assert cluster.check_release(account, NEEDS).level is Level.OK


def test_a_release_that_the_region_lacks_stops_and_names_those_it_offers(
    account: StubbedAccount,
) -> None:
    account.refuses("emr", "describe_release_label", "InvalidRequestException")
    offered = {"ReleaseLabels": ["emr-spark-8.0.0"]}
    account.answers("emr", "list_release_labels", offered, Filters={"Prefix": "emr-spark"})

    result = cluster.check_release(account, NEEDS)

    assert result.level is Level.STOP
    assert "emr-spark-8.0.0" in result.fix


def supports(account: StubbedAccount, *pages: list[str]) -> None:
    for number, kinds in enumerate(pages, start=1):
        more = {"Marker": str(number)} if number < len(pages) else {}
        types = [{"Type": kind} for kind in kinds]
        answer = {"SupportedInstanceTypes": types, **more}
        account.answers("emr", "list_supported_instance_types", answer)


def test_an_instance_type_on_a_later_page_is_supported(account: StubbedAccount) -> None:
    supports(account, ["m5.xlarge"], ["m7g.xlarge"])

    assert cluster.check_instance_types(account, NEEDS).level is Level.OK


def test_an_instance_type_that_the_release_does_not_run_on_stops(account: StubbedAccount) -> None:
    supports(account, ["m5.xlarge"])

    result = cluster.check_instance_types(account, NEEDS)

    assert level(result) == (
        Level.STOP,
        "emr-spark-8.1.0 does not support m7g.xlarge in this region",
    )


BOTH = Counter({"m7g.xlarge": 1, "r7g.xlarge": 2})


@pytest.mark.parametrize(
    ("zone", "offers", "expected"),
    [
        (None, [("us-east-1a", "m7g.xlarge"), ("us-east-1a", "r7g.xlarge")], Level.OK),
        (None, [("us-east-1a", "m7g.xlarge"), ("us-east-1b", "r7g.xlarge")], Level.STOP),
        ("us-east-1b", [("us-east-1a", "m7g.xlarge"), ("us-east-1a", "r7g.xlarge")], Level.STOP),
        ("us-east-1a", [("us-east-1a", "m7g.xlarge"), ("us-east-1a", "r7g.xlarge")], Level.OK),
    ],
)
def test_the_chosen_zone_must_offer_all_instance_types(
    account: StubbedAccount, zone: str | None, offers: list[tuple[str, str]], expected: Level
) -> None:
    listed = [{"Location": where, "InstanceType": kind} for where, kind in offers]
    answer = {"InstanceTypeOfferings": listed}
    account.answers("ec2", "describe_instance_type_offerings", answer)

    assert cluster.check_zone(account, needing(nodes=BOTH, zone=zone)).level is expected


# ---------------------------------------------------------------------------------------------
# Texts
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inside", "expected"), [(True, Level.WARNING), (False, Level.OK)])
def test_an_account_in_the_sms_sandbox_is_a_warning(
    account: StubbedAccount, inside: bool, expected: Level
) -> None:
    account.answers("sns", "get_sms_sandbox_account_status", {"IsInSandbox": inside})

    assert texts.check_sandbox(account).level is expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"MonthlySpendLimit": "100"}, Level.OK),
        ({"MonthlySpendLimit": "1"}, Level.WARNING),
        ({}, Level.WARNING),
        ({"MonthlySpendLimit": "5"}, Level.WARNING),  # equals the alarm's threshold
    ],
)
def test_a_spend_limit_of_a_dollar_or_below_the_alarm_is_a_warning(
    account: StubbedAccount, attributes: dict[str, str], expected: Level
) -> None:
    account.answers("sns", "get_sms_attributes", {"attributes": attributes})

    assert texts.check_spend_limit(account, NEEDS).level is expected


# ---------------------------------------------------------------------------------------------
# Remains of an earlier run
# ---------------------------------------------------------------------------------------------


def test_a_versioned_and_encrypted_state_bucket_is_ok(account: StubbedAccount) -> None:
    owner = {"Bucket": BUCKET, "ExpectedBucketOwner": NUMBER}
    account.answers("s3", "head_bucket", {"BucketRegion": "us-east-1"}, **owner)
    account.answers("s3", "get_bucket_versioning", {"Status": "Enabled"}, **owner)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    encryption = {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}
    account.answers("s3", "get_bucket_encryption", encryption, **owner)

    assert leftovers.check_state_bucket(account, making=True).level is Level.OK


def test_a_state_bucket_without_versions_or_encryption_is_a_warning(
    account: StubbedAccount,
) -> None:
    account.answers("s3", "head_bucket", {"BucketRegion": "us-east-1"})
    account.answers("s3", "get_bucket_versioning", {})
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    account.refuses("s3", "get_bucket_encryption", missing)

    result = leftovers.check_state_bucket(account, making=True)

    assert level(result) == (Level.WARNING, f"{BUCKET} is not versioned and not encrypted")
    assert "make bootstrap ENV=staging" in result.fix


@pytest.mark.parametrize(("making", "expected"), [(True, Level.OK), (False, Level.STOP)])
def test_a_missing_state_bucket_stops_a_plan_and_a_deployment_creates_it(
    account: StubbedAccount, making: bool, expected: Level
) -> None:
    account.refuses("s3", "head_bucket", "404", status=404)

    assert leftovers.check_state_bucket(account, making=making).level is expected


def test_a_state_bucket_of_another_account_stops(account: StubbedAccount) -> None:
    account.refuses("s3", "head_bucket", "403", status=403)

    assert leftovers.check_state_bucket(account, making=True).level is Level.STOP


def test_a_state_bucket_in_another_region_stops(account: StubbedAccount) -> None:
    account.answers("s3", "head_bucket", {"BucketRegion": "eu-west-1"})

    result = leftovers.check_state_bucket(account, making=True)

    assert level(result) == (Level.STOP, f"{BUCKET} is in eu-west-1, not in us-east-1")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("CREATE_COMPLETE", Level.OK),
        ("UPDATE_ROLLBACK_COMPLETE", Level.OK),
        ("REVIEW_IN_PROGRESS", Level.WARNING),
        ("ROLLBACK_COMPLETE", Level.WARNING),
        ("CREATE_FAILED", Level.WARNING),
        ("DELETE_FAILED", Level.WARNING),
        ("UPDATE_FAILED", Level.STOP),
        ("UPDATE_ROLLBACK_FAILED", Level.STOP),
        ("UPDATE_IN_PROGRESS", Level.WARNING),
    ],
)
def test_a_stack_that_cannot_be_updated_stops_unless_a_deployment_replaces_it(
    account: StubbedAccount, state: str, expected: Level
) -> None:
    stack = {
        "StackName": "marquee-staging",
        "StackStatus": state,
        "CreationTime": "2026-01-01T00:00:00Z",
    }
    account.answers("cloudformation", "describe_stacks", {"Stacks": [stack]})

    assert leftovers.check_stack(account, making=True).level is expected


def test_a_missing_stack_is_ok(account: StubbedAccount) -> None:
    words = "Stack with id marquee-staging does not exist"
    account.refuses("cloudformation", "describe_stacks", "ValidationError", words)

    assert leftovers.check_stack(account, making=True).level is Level.OK


# ---------------------------------------------------------------------------------------------
# This machine
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"), [((1, 11), Level.OK), ((1, 10), Level.STOP), (None, Level.STOP)]
)
def test_terraform_must_be_new_enough(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int] | None, expected: Level
) -> None:
    monkeypatch.setattr(machine, "installed_terraform", lambda: version)

    assert machine.check_terraform().level is expected


@pytest.mark.parametrize(
    ("built", "code", "expected"),
    [(False, 0, Level.WARNING), (True, 0, Level.OK), (True, 1, Level.STOP)],
)
def test_sam_must_be_built_and_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: bool, code: int, expected: Level
) -> None:
    program = tmp_path / "sam"
    if built:
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
    monkeypatch.setattr(machine, "SAM", program)

    assert machine.check_sam().level is expected


# ---------------------------------------------------------------------------------------------
# Needs
# ---------------------------------------------------------------------------------------------


def test_the_needs_are_read_from_the_plan_the_template_and_the_variables(tmp_path: Path) -> None:
    file = tmp_path / "staging.tfvars"
    file.write_text('availability_zone = "us-east-1b"\n')
    group = {"instance_type": "m7g.xlarge", "instance_count": 1}
    values = {
        "release_label": "emr-spark-8.1.0",
        "master_instance_group": [group],
        "core_instance_group": [{**group, "instance_count": 2}],
    }
    alarm = {"metric_name": "SMSMonthToDateSpentUSD", "threshold": 5}

    needed = needs(
        [
            Resource("a", "aws_emr_cluster", values),
            Resource("b", "aws_cloudwatch_metric_alarm", alarm),
            Resource("c", "aws_vpc", {}),
        ],
        load_template({}),
        file,
    )

    assert needed.nodes == Counter({"m7g.xlarge": 3})
    assert (needed.release, needed.zone, needed.spend_alarm) == (
        "emr-spark-8.1.0", "us-east-1b", 5.0
    )  # fmt: skip
    assert needed.counts["aws_vpc"] == 1


def test_the_needs_count_spot_nodes_apart_and_name_every_type_of_a_fleet(tmp_path: Path) -> None:
    types = [{"instance_type": kind} for kind in ("m7g.xlarge", "m6g.xlarge")]
    fleet = {"instance_type_configs": types, "target_on_demand_capacity": 1}
    limits = {
        "minimum_capacity_units": 1,
        "maximum_capacity_units": 5,
        "maximum_core_capacity_units": 1,
        "maximum_ondemand_capacity_units": 1,
    }
    values = {
        "release_label": "emr-spark-8.1.0",
        "master_instance_fleet": [fleet],
        "core_instance_fleet": [fleet],
    }

    needed = needs(
        [
            Resource("a", "aws_emr_cluster", values),
            Resource("b", "aws_emr_instance_fleet", fleet),
            Resource("c", "aws_emr_managed_scaling_policy", {"compute_limits": [limits]}),
        ],
        load_template({}),
        tmp_path / "none",
    )

    assert (needed.nodes.total(), needed.spot.total()) == (2, 4)
    assert needed.node_types == ["m6g.xlarge", "m7g.xlarge"]


def test_the_needed_concurrency_is_the_maximum_of_every_queue_plus_one_per_function() -> None:
    def queue(most: int) -> dict[str, Any]:
        return {"Type": "SQS", "Properties": {"ScalingConfig": {"MaximumConcurrency": most}}}

    functions: dict[str, dict[str, Any]] = {
        "One": {"Events": {"A": queue(2)}},
        "Two": {"Events": {"A": queue(5)}, "ReservedConcurrentExecutions": 7},
        "Three": {"Events": {"A": {"Type": "Api", "Properties": {}}}},
    }
    template = Template(
        {
            name: {"Type": "AWS::Serverless::Function", "Properties": each}
            for name, each in functions.items()
        },
        {},
    )

    needed = needs([], template, Path("none"))

    assert (needed.concurrency, needed.reserved) == (2 + 5 + 1, 7)


# ---------------------------------------------------------------------------------------------
# Errors in place of answers, and the consequences of the results
# ---------------------------------------------------------------------------------------------


def raising(error: Exception) -> CheckResult:
    def check() -> CheckResult:
        raise error

    return run.answered("zone", check)


def test_a_check_that_aws_denies_is_a_warning_that_names_the_permission() -> None:
    result = raising(AccessDeniedError("ec2:DescribeVpcs"))

    assert level(result) == (Level.WARNING, "not checked: the caller lacks ec2:DescribeVpcs")


def test_an_unexpected_answer_is_a_warning() -> None:
    error = ClientError({"Error": {"Code": "Strange", "Message": "odd"}}, "DescribeVpcs")

    assert raising(error).level is Level.WARNING
    assert raising(NoAnswerError("no connection")).level is Level.WARNING


def test_credentials_that_aws_rejects_stop_and_nothing_else_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = StubbedAccount()
    del account.__dict__["caller"]
    account.refuses("sts", "get_caller_identity", "ExpiredToken", status=403)
    monkeypatch.setattr(run, "Account", lambda _: account)

    results = run.preflight(account.deployment, planned=lambda _: NEEDS)

    assert [each.check for each in results] == ["Terraform", "SAM CLI", "credentials"]
    assert results[-1].level is Level.STOP


def test_variables_that_terraform_rejects_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    account = StubbedAccount()
    monkeypatch.setattr(run, "Account", lambda _: account)
    monkeypatch.setattr(run, "answered", lambda name, _: CheckResult(name, Level.OK, ""))

    def refused(_: Deployment) -> Any:
        raise OperationError("core_instance_count must be a whole number from 1 to 100.")

    assert run.preflight(account.deployment, planned=refused)[-1].level is Level.STOP


WELL = CheckResult("VPCs", Level.OK, "fine")
ODD = CheckResult("zone", Level.WARNING, "odd", "look", "https://example.com/zone")
BAD = CheckResult("EMR release", Level.STOP, "missing", "choose", "https://example.com/emr")


def test_a_stop_ends_a_deployment_before_anything_is_created(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "preflight", lambda *_, **__: [WELL, ODD, BAD])

    with pytest.raises(OperationError, match=r"Nothing was changed in 'staging'.*EMR release"):
        run.pass_preflight(Deployment("staging"), Phases(), making=True)


def test_a_warning_is_shown_with_its_fix_and_its_link_and_does_not_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "preflight", lambda *_, **__: [WELL, ODD])

    run.pass_preflight(Deployment("staging"), Phases(), making=True)

    shown = capsys.readouterr().out
    assert "fix: look" in shown
    assert "https://example.com/zone" in shown


def test_a_local_deployment_ignores_the_preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "preflight", lambda *_, **__: [BAD])

    run.pass_preflight(Deployment("local"), Phases(), making=True)


def preflighted(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(command_line, "choose_deployment", lambda *_: Deployment("staging"))
    return command_line.main(["preflight", *arguments])


def test_the_command_ends_with_an_error_where_something_stops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "preflight", lambda *_, **__: [WELL, BAD])

    assert preflighted(monkeypatch) == 1
    assert "https://example.com/emr" in capsys.readouterr().out


def test_json_output_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "preflight", lambda *_, **__: [WELL, ODD])

    assert preflighted(monkeypatch, "--json") == 0

    printed = json.loads(capsys.readouterr().out)
    assert (printed["environment"], printed["stops"]) == ("staging", 0)
    assert printed["results"][1] == {
        "check": "zone",
        "level": "warning",
        "found": "odd",
        "fix": "look",
        "link": "https://example.com/zone",
    }


def test_the_error_without_a_variables_file_says_what_to_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("planned without variables")

    monkeypatch.setattr(planned, "plan_offline", never)

    with pytest.raises(OperationError, match=r"copy terraform/example\.tfvars"):
        run.planned_needs(Deployment("nowhere"))


def test_clients_are_created_once_and_retry_only_a_few_times() -> None:
    account = Account(Deployment("staging"))

    assert account.client("sts") is account.client("sts")
    assert account.client("sts").meta.config.retries["total_max_attempts"] == 3
