"""Enforces IAM as AWS does: which permissions a call needs, and how a call without them fails.

LocalEmu provides the policy evaluator. `permissions` lists the permissions of the calls that
LocalEmu maps to the wrong action or resource, `evaluator` corrects its evaluation, and
`enforcement` decides every call, including calls between services.
docs/decisions/0007-enforced-iam.md lists the differences from LocalEmu.
"""
