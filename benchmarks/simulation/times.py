"""How long things take: parameters of the simulation, each with its source.

`AWS` has no figure that was measured on AWS. It combines what was measured on two cores
(docs/measurements.md), what AWS's documents say, and assumptions, which are named as such.
`LOCAL` describes the local AWS on a machine of two cores, for the comparison with measured bursts.
"""

from dataclasses import dataclass, replace

from benchmarks.simulation.published import published_figure
from operations.cost.prices import load_usage

# A function gets a whole processor at 1,769 MB and its share below:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_GB_OF_A_PROCESSOR = 1769 / 1024
_BATCH_PROCESSORS = 0.5 / _GB_OF_A_PROCESSOR  # of the functions with 512 MB
# Assumption: a call by boto3 takes 2 ms of processor time.
_CALL_PROCESSOR_SECONDS = 0.002 / _BATCH_PROCESSORS
# DynamoDB answers in "single-digit milliseconds"; with the network 10 ms (assumption):
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html
_DYNAMODB = 0.010 + _CALL_PROCESSOR_SECONDS
# Eight threads wait at the same time (`at_once.WRITERS`), but share one processor.
_WRITE_OF_MANY = max(_DYNAMODB / 8, _CALL_PROCESSOR_SECONDS)
_BATCH_READ = 0.050  # of 100 items; assumption
_SQS_BATCH = 0.012 + 1.5 * _CALL_PROCESSOR_SECONDS  # of ten messages; assumption
_S3 = 0.050 + _CALL_PROCESSOR_SECONDS  # assumption
_SNS = 0.065 + _CALL_PROCESSOR_SECONDS  # assumption


@dataclass(frozen=True, slots=True)
class WorkTimes:
    """Seconds of each kind of work.

    Attributes:
        form: processor seconds of a form on the local AWS; seconds of a call on AWS.
        submit: seconds of a batch of submit_step, whatever its size.
        look: seconds to read one visitor of a batch.
        mark: seconds to move one visitor to `submitted`.
        requeue: seconds to send one visitor back to the queue.
        collect: seconds of a run of queue_results, whatever its size.
        page: seconds of one result in a page of queue_results.
        text: seconds of one text.
        emr_call: seconds of a call to EMR.
        models: seconds to read which model is active.
        listing: seconds to list 1,000 visitor objects.
        step: seconds of a step before its script begins to work.
        recommend: seconds of a recommend step's work, whatever its size.
        member: further seconds for each member.
        train: seconds of a training's work, whatever its size.
        rating: further seconds for each rating.
        visitor_object: further seconds for each visitor object that a training reads.
        item: seconds of one call to DynamoDB in a sweep.
    """

    form: float
    submit: float
    look: float
    mark: float
    requeue: float
    collect: float
    page: float
    text: float
    emr_call: float
    models: float
    listing: float
    step: float
    recommend: float
    member: float
    train: float
    rating: float
    visitor_object: float
    item: float

    def recommend_seconds(self, members: int) -> float:
        """Return the seconds of a recommend step."""
        return self.step + self.recommend + self.member * members

    def train_seconds(self, ratings: int, visitors: int) -> float:
        """Return the seconds of a train step on this many ratings and visitor objects."""
        return self.step + self.train + self.rating * ratings + self.visitor_object * visitors


AWS = WorkTimes(
    form=load_usage()["visitor"]["api_seconds"],  # operations/prices/usage.toml
    submit=0.3 + 2 * _S3,
    look=_BATCH_READ / 100,
    mark=_WRITE_OF_MANY,
    requeue=_SQS_BATCH / 10,
    collect=0.1 + 4 * _S3,
    page=_BATCH_READ / 100 + _WRITE_OF_MANY + _SQS_BATCH / 10,
    # Seven calls to DynamoDB, then whether the phone has opted out, then the text.
    text=7 * _DYNAMODB + 2 * _SNS,
    emr_call=0.2,  # assumption
    models=2 * _S3,
    listing=0.1,  # assumption
    step=15.0,  # docs/deploy.md: each step costs 10 to 20 seconds before it does any work
    # docs/measurements.md: 1.6 s for a hundred visitors and 3.9 s for ten thousand
    recommend=1.6,
    member=2.3 / 9_900,
    # decisions/0024: a train step on 35,736 ratings takes 2.5 s after its script begins
    train=2.5,
    # docs/measurements.md: 35 minutes for 20 million ratings, on two cores
    rating=35 * 60 / 20e6,
    visitor_object=0.0025,  # assumption: eight tasks at a time, 20 ms for each object
    item=_DYNAMODB,
)

# The local AWS, all on two cores. Its times come from README.md, other rows than the bursts that
# the simulation is compared with. With 8 clients that post at the same time, a form keeps two cores
# busy for p50 ÷ 8 seconds; a visitor of a backlog keeps them busy for 1 ÷ the rate of draining. The
# shares of the functions are assumptions, only their sum counts.
_CORES = 2
_FORM = _CORES * published_figure("300 forms: form → picks, p50 / p95", 2) / 8
_DRAIN = _CORES / published_figure("drained, forms a second", 1)
_TEXT_AFTER_TRAINING = published_figure("form → text, p50 / p95", 1)
_TEXT = published_figure("form → text, p50 / p95", 2)
_BEFORE_SCRIPT = 3.6  # decisions/0024
_AROUND_STEPS = 2.2  # the batching window takes 1 s, the functions and polls about as long
LOCAL = WorkTimes(
    form=_FORM,
    submit=0.05,
    look=0.05 * _DRAIN,
    mark=0.15 * _DRAIN,
    requeue=0.02 * _DRAIN,
    collect=0.05,
    page=0.25 * _DRAIN,
    text=0.55 * _DRAIN,
    emr_call=0.02,
    models=0.02,
    listing=0.02,
    step=_BEFORE_SCRIPT,
    recommend=max(0.1, _TEXT - _AROUND_STEPS - _BEFORE_SCRIPT),
    member=2.3 / 9_900,
    train=max(0.1, _TEXT_AFTER_TRAINING - _TEXT - _BEFORE_SCRIPT),
    rating=0.0,
    visitor_object=0.0,
    item=0.01,
)
# Since the measurement of the bursts of 300 forms, small submissions are served and small data are
# trained on without Spark (decisions/0024, which shows 3.9 s for a recommend step with its start).
LOCAL_NOW = replace(LOCAL, step=3.0, recommend=0.9, train=3.1)
