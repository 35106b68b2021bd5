"""IAM as AWS enforces it: which permissions a call needs, and what a caller without them gets.

LocalEmu brings the policy evaluator. `permissions` names the permissions of the calls that LocalEmu
maps to the wrong action or resource, `evaluator` corrects its evaluation, and `enforcement` decides
every call, those between services included. docs/decisions/0007-enforced-iam.md names what differs.
"""
