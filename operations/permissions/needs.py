"""Find the permissions that each role needs: for its code, for steps, for AWS's services."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from marquee.contracts import CurrentModel, DataVersion
from marquee.requests import emr_step_requests as steps
from operations import ROOT
from operations.permissions.code import AwsCall, calls_of
from operations.permissions.plan import RenderedPolicies

_TEMPLATE = ROOT / "sam" / "template.yaml"
_TEMPLATE_PLACE = "sam/template.yaml"
_STEPS_PLACE = "layer/marquee/requests/emr_step_requests.py"

# Operations whose IAM action has another name (AWS's Service Authorization Reference).
_ACTIONS = {
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "DeleteObjects"): "s3:DeleteObject",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
}
# Services whose IAM actions have another prefix than botocore's name.
_PREFIXES = {"emr": "elasticmapreduce"}


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that a role needs.

    Attributes:
        action: the action, as IAM names it.
        resource: ARN, with `*` for parts that are known only at run time.
        place: the code or configuration that needs the permission, as `file: name`.
        conditions: condition keys of the request and their values.
        optional: whether the permission may be missing because a denied call does no harm.
    """

    action: str
    resource: str
    place: str
    conditions: tuple[tuple[str, str], ...] = ()
    optional: bool = False


def needs_of(rendered: RenderedPolicies) -> dict[str, set[Need]]:
    """Return the needs of each role of a plan, by the role's name."""
    name = rendered.name
    functions = {
        f"{name}-{folder.name.replace('_', '-')}": _of_function(folder.name, rendered)
        for folder in sorted((ROOT / "functions").iterdir())
        if (folder / "app.py").exists()
    }
    nodes = {*_of_steps(rendered), *_of_nodes(rendered)}
    return functions | {f"{name}-nodes": nodes, f"{name}-emr-service": {*_of_emr(rendered)}}


# Functions ---------------------------------------------------------------------------------------


def _of_function(folder: str, rendered: RenderedPolicies) -> set[Need]:
    found = {need for call in calls_of(folder) for need in _of_call(call, rendered)}
    return found | set(_of_configuration(folder, rendered))


def _of_call(call: AwsCall, rendered: RenderedPolicies) -> Iterator[Need]:
    action = _ACTIONS.get((call.service, call.operation))
    if action is None:
        action = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
    parameters = dict(call.parameters)
    resource = _resource(call.service, action, parameters, rendered)
    prefix = parameters.get("Prefix", "") if action == "s3:ListBucket" else ""
    yield Need(action, resource, call.place, (("s3:prefix", prefix),) if prefix else ())
    if call.handles_missing and action == "s3:GetObject":
        # For a missing object, S3 answers 404 only to callers that may list its bucket; else 403:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (Permissions)
        yield Need("s3:ListBucket", resource.partition("/")[0], call.place)


def _resource(
    service: str, action: str, parameters: Mapping[str, str], rendered: RenderedPolicies
) -> str:
    """Return the ARN of the resource that a call acts on, from the settings in its parameters."""
    here = f"{rendered.region}:{rendered.account}"
    match service:
        case "s3":
            arn = f"arn:aws:s3:::{_name(parameters['Bucket'], rendered)}"
            return arn if action == "s3:ListBucket" else f"{arn}/{parameters['Key']}"
        case "dynamodb":
            arn = f"arn:aws:dynamodb:{here}:table/{_name(parameters['TableName'], rendered)}"
            index = parameters.get("IndexName")
            return f"{arn}/index/{index}" if index else arn
        case "sqs":
            return f"arn:aws:sqs:{here}:{_name(parameters['QueueUrl'], rendered)}"
        case "emr":
            return f"arn:aws:elasticmapreduce:{here}:cluster/{_CLUSTER}"
        case "ssm":
            return f"arn:aws:ssm:{here}:parameter{_name(parameters['Name'], rendered)}"
        case "sns" if "TopicArn" not in parameters:
            return "*"  # a phone has no ARN
    raise NotImplementedError(f"add here the resource that {action} acts on: {dict(parameters)}")


_CLUSTER = "j-TESTCLUSTER"  # terraform/tests/mocks


def _name(setting: str, rendered: RenderedPolicies) -> str:
    """Return the name that terraform/names.tf gives a setting such as `{ratings_bucket}`."""
    kind = setting.strip("{}").replace("_", "-")
    environment = rendered.name.removeprefix("marquee-")
    for ending, name in (
        ("-bucket", f"{rendered.name}-{rendered.account}-{{}}"),
        ("-table", f"{rendered.name}-{{}}"),
        ("-queue-url", f"{rendered.name}-{{}}"),
        ("-name", f"/marquee/{environment}/{{}}"),
    ):
        if kind.endswith(ending):
            return name.format(kind.removesuffix(ending))
    raise NotImplementedError(f"add here the resource that the setting {setting} names")


def _of_configuration(folder: str, rendered: RenderedPolicies) -> Iterator[Need]:
    """Yield what Lambda itself does with a function's role, from the SAM template."""
    function = folder.replace("_", "-")
    here = f"{rendered.region}:{rendered.account}"
    template = _template()
    logical, properties = next(
        (logical, resource["Properties"])
        for logical, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        and resource["Properties"]["CodeUri"] == f"../functions/{folder}"
    )
    place = f"{_TEMPLATE_PLACE}: {logical}"
    group = f"arn:aws:logs:{here}:log-group:/aws/lambda/{rendered.name}-{function}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, f"{group}:log-stream:*", f"{place} (Lambda writes the log)")
    if template["Globals"]["Function"].get("Tracing") == "Active":
        for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
            yield Need(action, "*", f"{_TEMPLATE_PLACE}: Globals.Function.Tracing")
    for name, event in properties.get("Events", {}).items():
        if event["Type"] == "SQS":
            queue = _queue(event["Properties"]["Queue"], "-queue-arn", rendered)
            # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
                yield Need(action, queue, f"{place}.{name} (Lambda polls the queue)")
    if "DeadLetterQueue" in properties:
        queue = _queue(properties["DeadLetterQueue"]["TargetArn"], "-arn", rendered)
        yield Need("sqs:SendMessage", queue, f"{place}.DeadLetterQueue (Lambda gives up a call)")


@cache
def _template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(_TEMPLATE))
    return loaded


def _queue(reference: Mapping[str, str], ending: str, rendered: RenderedPolicies) -> str:
    """Return the ARN of the queue in a reference `{{resolve:ssm:…}}` to a parameter."""
    parameter = reference["Fn::Sub"].strip("{}").rpartition("/")[2]
    kind = parameter.removesuffix(ending)
    return f"arn:aws:sqs:{rendered.region}:{rendered.account}:{rendered.name}-{kind}"


# Steps -------------------------------------------------------------------------------------------

READS, WRITES = "reads", "writes"
# How each step uses the S3 address in one of its arguments.
STEP_ARGUMENTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("prepare.py", "--raw"): (READS,),
    ("prepare.py", "--ratings"): (READS, WRITES),
    ("prepare.py", "--movies"): (READS, WRITES),
    ("prepare.py", "--tags"): (WRITES,),
    ("prepare.py", "--report"): (WRITES,),
    ("train.py", "--ratings"): (READS,),
    ("train.py", "--movies"): (READS,),
    ("train.py", "--tags"): (READS,),
    ("train.py", "--visitors"): (READS,),
    ("train.py", "--model"): (READS, WRITES),
    ("train.py", "--newest"): (WRITES,),
    ("train.py", "--in-use"): (READS,),
    ("similar.py", "--model"): (READS, WRITES),
    ("evaluate.py", "--ratings"): (READS,),
    ("evaluate.py", "--movies"): (READS,),
    ("evaluate.py", "--tags"): (READS,),
    ("evaluate.py", "--raw"): (READS,),
    ("evaluate.py", "--report"): (WRITES,),
    ("recommend.py", "--submission"): (READS,),
    ("recommend.py", "--model"): (READS,),
    ("recommend.py", "--results"): (WRITES,),
}
# The actions that Hadoop's S3 client needs to write:
# https://hadoop.apache.org/docs/r3.4.1/hadoop-aws/tools/hadoop-aws/assumed_roles.html
_WRITING = (
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)  # fmt: skip
_OPENING = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")


@dataclass(frozen=True, slots=True)
class StepAddress:
    """An S3 address among a step's arguments; `*` in its key stands for text set at run time."""

    script: str
    argument: str
    bucket: str
    key: str  # ends in "/" for a folder
    place: str


def step_addresses(rendered: RenderedPolicies) -> list[StepAddress]:
    """Return every S3 address among the arguments that `emr_step_requests` gives the steps."""
    prefix = f"{rendered.name}-{rendered.account}"
    where = steps.StepLocations(
        scripts=f"s3://{prefix}-artifacts/steps/*/",
        ratings_bucket=f"{prefix}-ratings",
        models_bucket=f"{prefix}-models",
        results_bucket=f"{prefix}-results",
    )
    active = CurrentModel("*", "*", "2026-01-01T00:00:00Z", users=1, ratings=1)
    data = [DataVersion("*"), DataVersion("*", "*")]
    made = [
        steps.prepare_step(where, data[1]),
        *(steps.train_step(where, each, "*", active=active, sizes=[8]) for each in data),
        steps.similar_step(where, "*"),
        steps.evaluate_step(where, data[1], official=True),
        steps.recommend_step(where, "*", "*"),
    ]
    builders = [
        name for name, each in inspect.getmembers(steps, inspect.isfunction)
        if name.endswith("_step") and not name.startswith("_")
    ]  # fmt: skip
    if len(builders) != len({step["Name"].partition("-")[0] for step in made}):
        raise NotImplementedError(f"add here one step of each of {builders}")
    return [address for step in made for address in _addresses(step["HadoopJarStep"]["Args"])]


def _addresses(arguments: Sequence[str]) -> Iterator[StepAddress]:
    script = next(each for each in arguments if each.endswith(".py")).rpartition("/")[2]
    place = f"{_STEPS_PLACE}: {script.removesuffix('.py')}_step"
    for option, value in zip(("", *arguments), arguments, strict=False):
        if value.startswith("s3://"):
            bucket, _, key = value.removeprefix("s3://").partition("/")
            named = option if option.startswith("--") else "script"
            yield StepAddress(script, named, bucket, key, f"{place} {named}".strip())


def _of_steps(rendered: RenderedPolicies) -> Iterator[Need]:
    for each in step_addresses(rendered):
        bucket = f"arn:aws:s3:::{each.bucket}"
        yield from (Need(action, bucket, each.place) for action in _OPENING)
        if each.argument in ("script", "--py-files"):
            yield Need("s3:GetObject", f"{bucket}/{each.key}", each.place)
            continue
        does = STEP_ARGUMENTS[each.script, each.argument]
        for action in _WRITING if WRITES in does else ("s3:GetObject",):
            yield Need(action, f"{bucket}/{each.key}{'*' * each.key.endswith('/')}", each.place)
        # Hadoop's client also looks for objects named like the folder and like each of its parents.
        folders = each.key.rstrip("/").split("/")
        for depth in range(1, len(folders) + 1):
            key = "/".join(folders[:depth])
            yield Need("s3:GetObject", f"{bucket}/{key}", f"{each.place} (looked for)")


# AWS's services ----------------------------------------------------------------------------------

_USING_A_KEY = (
    "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
)  # fmt: skip


def _of_markers(written: StepAddress) -> Iterator[Need]:
    """Yield what Hadoop's clients need to mark the folders above a written object as empty.

    S3A writes an object whose key ends with a slash. EMRFS, which S3A has replaced since EMR 7.10,
    writes an object next to the folder.
    """
    folders = written.key.split("/")[:-1]
    for depth in range(1, len(folders) + 1):
        folder = f"arn:aws:s3:::{written.bucket}/{'/'.join(folders[:depth])}"
        for action in _WRITING:
            yield Need(action, f"{folder}/", f"{written.place} (empty folder)", optional=True)
            yield Need(action, f"{folder}_$folder$", f"{written.place} (EMRFS)", optional=True)


def _of_nodes(rendered: RenderedPolicies) -> Iterator[Need]:
    artifacts = f"arn:aws:s3:::{rendered.name}-{rendered.account}-artifacts"
    cluster = "terraform/cluster.tf: aws_emr_cluster.this"
    install = "terraform/bootstrap/install.sh: install_python_packages"
    yield Need("s3:GetObject", f"{artifacts}/bootstrap/install.sh", f"{cluster}.bootstrap_action")
    yield Need("s3:GetObject", f"{artifacts}/bootstrap/wheels/*", install)
    yield Need("s3:ListBucket", artifacts, install)
    logs = f"{cluster}.log_uri (EMR keeps logs)"
    yield Need("s3:PutObject", f"{artifacts}/logs/*", logs)
    # AWS does not document whether the uploader reads an earlier upload.
    yield Need("s3:GetObject", f"{artifacts}/logs/*", logs)
    for each in step_addresses(rendered):
        if WRITES in STEP_ARGUMENTS.get((each.script, each.argument), ()):
            yield from _of_markers(each)
    for key in _keys(rendered):
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-encryption-enable.html
        for action in _USING_A_KEY:
            yield Need(action, key, "terraform/cluster.tf: aws_emr_security_configuration.this")


def _of_emr(rendered: RenderedPolicies) -> Iterator[Need]:
    nodes = f"arn:aws:iam::{rendered.account}:role/{rendered.name}-nodes"
    passed = (("iam:PassedToService", "ec2.amazonaws.com"),)
    cluster = "terraform/cluster.tf: aws_emr_cluster.this"
    yield Need("iam:PassRole", nodes, f"{cluster}.ec2_attributes", passed)
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
    spot = f"arn:aws:iam::{rendered.account}:role/aws-service-role/spot.amazonaws.com"
    yield Need(
        "iam:CreateServiceLinkedRole",
        f"{spot}/AWSServiceRoleForEC2Spot",
        "terraform/cluster.tf: aws_emr_instance_fleet.task (Spot nodes)",
        (("iam:AWSServiceName", "spot.amazonaws.com"),),
    )
    for key in _keys(rendered):
        for action in ("kms:CreateGrant", *_USING_A_KEY):
            yield Need(action, key, "terraform/cluster.tf: aws_emr_security_configuration.this")


def _keys(rendered: RenderedPolicies) -> list[str]:
    """Return the ARNs of the KMS keys that the policies of the plan name."""
    found = {
        resource
        for policy in rendered.roles.values()
        for statement in policy.statements
        for resource in statement.resources
        if resource.startswith("arn:aws:kms:")
    }
    return sorted(found)
