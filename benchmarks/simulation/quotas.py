"""AWS's default quotas that a load can reach, each with the document that states it.

The figures of API Gateway, Lambda, SQS, DynamoDB, S3 and message parts were read in copies of AWS's
public documentation in November 2026. Those of EMR and SNS are the ones that this project states
elsewhere (`local_aws.emr.throttling`, `sam/template.yaml`); of their pages the copies held no
figures. An account can differ: new accounts often start lower, and most quotas can be raised.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota.

    Attributes:
        name: what it limits.
        rate: the most per second; 0 where only `most` counts.
        burst: the most at once, for a rate.
        most: the most at the same time, or the largest size.
        page: AWS's document.
    """

    name: str
    page: str
    rate: float = 0.0
    burst: float = 0.0
    most: int = 0


_EMR = "https://docs.aws.amazon.com/general/latest/gr/emr.html"
API_CALLS = Quota(
    "API Gateway: calls a second, all APIs of the account",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
    rate=10_000,
    burst=5_000,
)
LAMBDA = Quota(
    "Lambda: concurrent executions",
    "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    most=1_000,
)
EMR_ADD = Quota("EMR: AddJobFlowSteps", _EMR, rate=0.5, burst=10)
EMR_LIST = Quota("EMR: ListSteps", _EMR, rate=0.5, burst=10)
EMR_ALL = Quota("EMR: all calls", _EMR, rate=5, burst=25)
EMR_STEPS = Quota(
    "EMR: steps that are pending or running",
    "https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-work-with-steps.html",
    most=256,
)
EMR_ARGUMENTS = Quota(
    "EMR: characters of a step's arguments",
    "https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html",
    most=10_240,
)
SQS_IN_FLIGHT = Quota(
    "SQS: messages in flight in a queue",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html",
    most=120_000,
)
DYNAMODB_PARTITION = Quota(
    "DynamoDB: writes a second to one partition",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
    rate=1_000,
    burst=1_000,
)
DYNAMODB_TABLE = Quota(
    "DynamoDB: write units a second of one table",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
    rate=40_000,
)
SNS_TEXTS = Quota(
    "SNS: texts a second",
    "https://docs.aws.amazon.com/general/latest/gr/sns.html",
    rate=20,
    burst=20,
)
S3_WRITES = Quota(
    "S3: writes a second to one prefix",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    rate=3_500,
)
QUOTAS = (
    API_CALLS,
    LAMBDA,
    DYNAMODB_PARTITION,
    DYNAMODB_TABLE,
    EMR_ADD,
    EMR_LIST,
    EMR_ALL,
    EMR_STEPS,
    EMR_ARGUMENTS,
    SQS_IN_FLIGHT,
    SNS_TEXTS,
    S3_WRITES,
)
