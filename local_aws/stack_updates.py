"""Adds updates that the emulator's CloudFormation lacks: it can create an alias but not move it.

A deployment moves each function's alias to the version that it just published. CloudFormation on
AWS updates an alias and the settings of asynchronous invocations in place.
"""

from typing import Any

from local_aws import emulator

# Properties of AWS::Lambda::Alias and AWS::Lambda::EventInvokeConfig that Lambda's API takes.
ALIAS = ("FunctionName", "FunctionVersion", "Name", "Description", "RoutingConfig")
ASYNCHRONOUS_CALLS = (
    "FunctionName",
    "Qualifier",
    "MaximumEventAgeInSeconds",
    "MaximumRetryAttempts",
    "DestinationConfig",
)


def properties_named(properties: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the properties with these names that the template sets."""
    return {name: properties[name] for name in names if properties.get(name) is not None}


def install() -> None:
    """Add the missing updates to the emulator's resource providers."""
    framework = emulator.part("services.cloudformation.resource_provider")
    providers = "services.lambda_.resource_providers"
    aliases = emulator.part(f"{providers}.lambda_alias").LambdaAliasProvider
    asynchronous = emulator.part(
        f"{providers}.aws_lambda_eventinvokeconfig"
    ).LambdaEventInvokeConfigProvider
    patch = emulator.part("utils.patch").patch

    # Both resources name their function by Ref. The emulator mistakes a change of the referenced
    # function for a change of the name: it would create the alias a second time, then delete it.
    for provider in (aliases, asynchronous):
        provider.SCHEMA = {**provider.SCHEMA, "createOnlyProperties": []}

    def done(request: Any) -> Any:
        # The Ref of both resources is their Id, which an update keeps.
        state = {"Id": request.previous_state.get("Id"), **request.desired_state}
        return framework.ProgressEvent(
            status=framework.OperationStatus.SUCCESS, resource_model=state
        )

    @patch(aliases.update)  # type: ignore[untyped-decorator]
    def move_alias(_original: Any, _provider: Any, request: Any) -> Any:
        functions = request.aws_client_factory.lambda_
        functions.update_alias(**properties_named(request.desired_state, ALIAS))
        return done(request)

    @patch(asynchronous.update)  # type: ignore[untyped-decorator]
    def change_asynchronous_calls(_original: Any, _provider: Any, request: Any) -> Any:
        functions = request.aws_client_factory.lambda_
        functions.put_function_event_invoke_config(
            **properties_named(request.desired_state, ASYNCHRONOUS_CALLS)
        )
        return done(request)
