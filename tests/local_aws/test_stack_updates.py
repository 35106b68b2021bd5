"""CloudFormation updates an alias in place, which every release of the functions requires."""

import json
from typing import Any

from tests.local_aws.conftest import ACCOUNT, LocalAws

STACK = "alias-moves"
WAIT = {"Delay": 1, "MaxAttempts": 120}


def template(release: str) -> str:
    """Return the template that SAM makes for AutoPublishAlias: a version and the alias."""
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/none",
        "FunctionName": "alias-moves",
        "Code": {"ZipFile": "def handler(event, context): ..."},
        "Environment": {"Variables": {"RELEASE": release}},
    }
    version = f"Version{release}"
    name = {"Ref": "Function"}
    alias = {
        "FunctionName": name,
        "Name": "live",
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
    }
    retries = {"FunctionName": name, "Qualifier": "live", "MaximumRetryAttempts": 1}
    resources = {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        version: {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": name},
        },
        "Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias},
        "Retries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": "Alias",
            "Properties": retries,
        },
    }
    return json.dumps({"Resources": resources})


def live_version(functions: Any) -> str:
    found = functions.get_alias(FunctionName="alias-moves", Name="live")
    return str(found["FunctionVersion"])


def test_a_new_release_moves_the_alias_and_keeps_the_former_version(
    aws: LocalAws,
) -> None:
    stacks, functions = aws.client("cloudformation"), aws.client("lambda")
    stacks.create_stack(StackName=STACK, TemplateBody=template("One"))
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=WAIT)
    assert live_version(functions) == "1"

    stacks.update_stack(StackName=STACK, TemplateBody=template("Two"))
    stacks.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig=WAIT)

    assert live_version(functions) == "2"
    listed = functions.list_versions_by_function(FunctionName="alias-moves")["Versions"]
    assert [each["Version"] for each in listed] == ["$LATEST", "1", "2"]
    retries = functions.get_function_event_invoke_config(
        FunctionName="alias-moves", Qualifier="live"
    )
    assert retries["MaximumRetryAttempts"] == 1
    stacks.delete_stack(StackName=STACK)
    stacks.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=WAIT)
