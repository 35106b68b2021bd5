"""Check what earlier runs left: the bucket of Terraform's state and the functions' stack."""

from botocore.exceptions import ClientError

from operations import stack
from operations.preflight.account import Account
from operations.preflight.result import CheckResult, Level

STATE, STACK = "state bucket", "functions' stack"


def check_state_bucket(account: Account, *, making: bool) -> CheckResult:
    """Check that the state bucket exists, is the account's, lies in the region and is safe.

    Safe means versioned and encrypted; an unsafe bucket is only a warning.

    Args:
        account: the account.
        making: whether a deployment follows, which creates a missing bucket.
    """
    deployment = account.deployment
    bucket = f"{deployment.prefix}-{account.caller['Account']}-terraform"
    owner = {"Bucket": bucket, "ExpectedBucketOwner": account.caller["Account"]}
    bootstrap = f"'make bootstrap ENV={deployment.name}'"
    link = account.console(f"s3/buckets/{bucket}")
    try:
        region = _region(account, owner)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404 and making:  # noqa: PLR2004
            return CheckResult(
                STATE, Level.OK, f"{bucket} does not exist yet; deploying creates it"
            )
        if status == 404:  # noqa: PLR2004
            found = f"{bucket} does not exist"
            return CheckResult(STATE, Level.STOP, found, f"create it with {bootstrap}", link)
        if status == 403:  # noqa: PLR2004
            found = f"{bucket} belongs to another account, or you lack s3:ListBucket"
            return CheckResult(
                STATE, Level.STOP, found, "use another ENV, or get that permission", link
            )
        raise
    if region != deployment.region:
        found = f"{bucket} is in {region}, not in {deployment.region}"
        fix = f"set region to {region} in {deployment.name}.tfvars, or use another ENV"
        return CheckResult(STATE, Level.STOP, found, fix, link)
    if wrong := _unsafe(account, owner):
        found = f"{bucket} is not {' and not '.join(wrong)}"
        return CheckResult(STATE, Level.WARNING, found, f"run {bootstrap}, which sets both", link)
    return CheckResult(STATE, Level.OK, f"{bucket}, versioned and encrypted")


def _region(account: Account, owner: dict[str, str]) -> str:
    return str(account.ask("s3", "head_bucket", **owner)["BucketRegion"])


def _unsafe(account: Account, owner: dict[str, str]) -> list[str]:
    wrong = []
    if account.ask("s3", "get_bucket_versioning", **owner).get("Status") != "Enabled":
        wrong.append("versioned")
    try:
        account.ask("s3", "get_bucket_encryption", **owner)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        wrong.append("encrypted")
    return wrong


def check_stack(account: Account, *, making: bool) -> CheckResult:
    """Check that the functions' stack, if there is one, is in a state that can be updated."""
    name = account.deployment.prefix
    link = account.console(f"cloudformation/home#/stacks?filteringText={name}")
    try:
        stacks = account.ask("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return CheckResult(STACK, Level.OK, f"{name} does not exist yet")
    state = str(stacks[0]["StackStatus"])
    if state in stack.DELETED_FIRST:
        found = f"{name} is {state} and cannot be updated: {stack.DELETED_FIRST[state]}"
        fix = "see its events for the reason; deploying deletes it and creates it again"
        return CheckResult(STACK, Level.WARNING, found, fix, link)
    if state in stack.OPERATORS_CHOICE:
        region = account.deployment.region
        fix = f"run '{stack.OPERATORS_CHOICE[state]} --stack-name {name}"
        fix += f" --region {region}' and wait until it has ended"
        level = Level.STOP if making else Level.WARNING
        return CheckResult(STACK, level, f"{name} is {state} and cannot be updated", fix, link)
    if state.endswith("_IN_PROGRESS"):
        found = f"{name} is {state}: another deployment seems to be running"
        return CheckResult(STACK, Level.WARNING, found, "wait until it has ended", link)
    return CheckResult(STACK, Level.OK, f"{name} is {state}")
