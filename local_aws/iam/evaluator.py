"""Corrects LocalEmu's policy evaluation where AWS decides differently.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Mapping
from typing import Any

from local_aws import emulator

IAM = "services.iam_enforcement"


class CaseInsensitiveKeys(dict[str, Any]):
    """Condition keys and their values; the keys are case-insensitive, as on AWS."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name.lower(): value for name, value in values.items()})

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, ignoring its case."""
        return super().get(key.lower(), default)

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())


# Prefixes of operators that are true if the request lacks the condition key: the negated operators,
# and those that apply to all values of a key.
TRUE_WITHOUT_KEY = (
    *("StringNot", "NumericNot", "DateNot", "NotIpAddress", "ArnNot"),
    "ForAllValues:",
)


def as_text(value: Any) -> Any:
    """Return a condition's value with Booleans as text: AWS compares true as "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    return [as_text(each) for each in value] if isinstance(value, list) else value


def undecided_conditions(
    conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the conditions that must be compared, with Boolean values as text.

    Conditions that are true because the request lacks their key are left out.

    Args:
        conditions: a statement's conditions: operator to condition key to value.
        context: the request's condition keys and their values.
    """
    return {
        operator: {
            key: as_text(value)
            for key, value in keys.items()
            if key in context or not operator.startswith(TRUE_WITHOUT_KEY)
        }
        for operator, keys in conditions.items()
    }


def install() -> None:
    """Correct the evaluator of the running LocalEmu."""
    patch = emulator.part("utils.patch").patch
    evaluator = emulator.part(f"{IAM}.evaluator")
    conditions = emulator.part(f"{IAM}.condition_evaluator")
    original_matches = conditions.matches_conditions

    # On AWS, ArnEquals and ArnLike behave identically.
    operators = conditions._OPERATORS
    operators["ArnEquals"] = operators["ArnLike"]
    operators["ArnNotEquals"] = operators["ArnNotLike"]

    def matches_conditions(statement: Any, context: Any) -> bool:
        keys = CaseInsensitiveKeys(context)
        left = undecided_conditions(statement.get("Condition") or {}, keys)
        return bool(original_matches({**statement, "Condition": left}, keys))

    evaluator.matches_conditions = matches_conditions
    conditions.matches_conditions = matches_conditions

    @patch(evaluator._arn_or_account_matches)  # type: ignore[untyped-decorator]
    def arn_or_account_matches(original: Any, principal: str, caller: Any) -> bool:
        # An account as the principal delegates to the account's identity policies. By itself it
        # does not permit every role of the account.
        if principal == caller.account_id or principal.endswith(":root"):
            return bool(caller.principal_type == "Root")
        return bool(original(principal, caller))
