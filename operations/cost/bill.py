"""Price a deployment, with one row for each item that AWS charges for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from operations.cost.billed_deployment import MONTH_HOURS, BilledDeployment
from operations.cost.nodes import TASK, Nodes
from operations.sam_template import METHOD_METRICS

THOUSAND = 1000
_GB_IN_KB = 1e6
_SECONDS_IN_HOUR = 3600
# In seconds. An alarm with a shorter period is a high-resolution one, at three times the price.
_STANDARD_PERIOD = 60
_HIGH_RESOLUTION = 3


@dataclass(frozen=True)
class BillRow:
    """The cost of one item.

    Attributes:
        what: the item.
        counted: the quantities that the cost is based on, in words.
        idle: US dollars a month without visitors.
        thousand: additional US dollars for each thousand visitors.
    """

    what: str
    counted: str
    idle: float = 0.0
    thousand: float = 0.0


@dataclass(frozen=True)
class Bill:
    """All rows of the bill, and the resources without a known price."""

    rows: tuple[BillRow, ...]
    unpriced: tuple[str, ...]

    @property
    def idle(self) -> float:
        """Return the US dollars a month without visitors."""
        return sum(row.idle for row in self.rows)

    @property
    def thousand(self) -> float:
        """Return the additional US dollars for each thousand visitors."""
        return sum(row.thousand for row in self.rows)

    def month(self, visitors: float) -> float:
        """Return the US dollars for a month with this many visitors."""
        return self.idle + self.thousand * visitors / THOUSAND


def price(deployment: BilledDeployment) -> Bill:
    """Price every resource of the deployment."""
    rows = tuple(row for _, count in ROWS for row in count(deployment))
    return Bill(rows, tuple(sorted(_unpriced(deployment))))


def _unpriced(deployment: BilledDeployment) -> Iterator[str]:
    prices = deployment.prices
    for kind, values, name in _everything(deployment):
        if kind not in PRICED and not prices.is_free(kind, values):
            yield f"{name} ({kind})"
    for kind in dict.fromkeys(kind for nodes in deployment.nodes for kind in nodes.types):
        if prices.instance_hour(kind) is None:
            yield f"nodes of type {kind}"


def _everything(deployment: BilledDeployment) -> Iterator[tuple[str, dict[str, Any], str]]:
    for resource in deployment.resources:
        yield resource.type, resource.values, resource.address
    for name, made in deployment.template.resources.items():
        yield str(made["Type"]), made.get("Properties", {}), name


# ---------------------------------------------------------------------------------------------
# The cluster
# ---------------------------------------------------------------------------------------------


def _hour(deployment: BilledDeployment, nodes: Nodes) -> tuple[float, float] | None:
    """Return the hourly prices (EC2, EMR) of a node; of its dearest type in a fleet.

    None if a type has no price.
    """
    hours = [deployment.prices.instance_hour(kind) for kind in nodes.types]
    known = [hour for hour in hours if hour]
    if len(known) < len(hours):
        return None
    ec2, emr = max(known)
    share = deployment.usage["cluster"]["spot_share"] if nodes.spot else 1.0
    return ec2 * share, emr


def _cluster(deployment: BilledDeployment) -> Iterator[BillRow]:
    fixed = [each for each in deployment.nodes if each.kind != TASK]
    for types in dict.fromkeys(each.types for each in fixed):
        alike = [each for each in fixed if each.types == types]
        count = sum(each.least for each in alike)
        if hour := _hour(deployment, alike[0]):
            ec2, emr = hour
            yield BillRow(
                "EMR cluster",
                f"{count} {_one_of(types)}, each {ec2:g} (EC2) + {emr:g} (EMR) an hour",
                sum(deployment.node_hours(each) for each in alike) * (ec2 + emr),
            )


def _one_of(types: tuple[str, ...]) -> str:
    """Return the types in words: EMR chooses one of a fleet's, and the bill counts the dearest."""
    return types[0] if len(types) == 1 else f"of {' or '.join(types)}"


def _task_nodes(deployment: BilledDeployment) -> Iterator[BillRow]:
    for nodes in deployment.nodes:
        if nodes.kind == TASK and (hour := _hour(deployment, nodes)):
            ec2, emr = hour
            market = "on Spot" if nodes.spot else "on demand"
            words = f"{nodes.least} to {nodes.most} {_one_of(nodes.types)} {market}, each"
            words += f" {ec2:.3g} (EC2) + {emr:g} (EMR) an hour, all of them for"
            words += f" {deployment.usage['cluster']['task_hours']:g} hours"
            yield BillRow("task nodes", words, deployment.node_hours(nodes) * (ec2 + emr))


def _disks(deployment: BilledDeployment) -> Iterator[BillRow]:
    nodes = deployment.nodes
    if not nodes:
        return
    gigabytes = sum(each.least * (each.root_gb + each.data_gb) for each in nodes)
    hours = sum(deployment.node_hours(each) * (each.root_gb + each.data_gb) for each in nodes)
    words = f"{gigabytes:.0f} GB gp3, including root disks of {nodes[0].root_gb:.0f} GB each"
    if more := sum((each.most - each.least) * (each.root_gb + each.data_gb) for each in nodes):
        words += f", and up to {more:.0f} GB of task nodes"
    yield BillRow(
        "nodes' disks", words, hours / MONTH_HOURS * deployment.prices.usd("gp3_gb_month")
    )


def _addresses(deployment: BilledDeployment) -> Iterator[BillRow]:
    count = sum(each.least for each in deployment.nodes)
    public = any(
        subnet.get("map_public_ip_on_launch") for subnet in deployment.of_type("aws_subnet")
    )
    if count and public:
        hours = sum(map(deployment.node_hours, deployment.nodes))
        usd = hours * deployment.prices.usd("public_ipv4_hour")
        yield BillRow("public IPv4 addresses", f"{count}, one per node", usd)


# ---------------------------------------------------------------------------------------------
# Watching
# ---------------------------------------------------------------------------------------------


def _alarms(deployment: BilledDeployment) -> Iterator[BillRow]:
    alarms = deployment.of_type("aws_cloudwatch_metric_alarm")
    composite = len(deployment.of_type("aws_cloudwatch_composite_alarm"))
    prices = deployment.prices
    usd = sum(map(_alarm_metrics, alarms)) * prices.usd("alarm_month")
    usd += composite * prices.usd("composite_alarm_month")
    if alarms or composite:
        yield BillRow("alarms", f"{len(alarms) + composite}", usd)


def _alarm_metrics(alarm: dict[str, Any]) -> int:
    """Return the number of standard alarms that AWS charges an alarm as.

    One for each metric that it reads; three for each metric of a high-resolution alarm.
    """
    read = sum(1 for query in alarm.get("metric_query") or [] if query.get("metric")) or 1
    period = alarm.get("period") or _STANDARD_PERIOD
    return read * (_HIGH_RESOLUTION if period < _STANDARD_PERIOD else 1)


def _dashboards(deployment: BilledDeployment) -> Iterator[BillRow]:
    count = len(deployment.of_type("aws_cloudwatch_dashboard"))
    if count:
        yield BillRow("dashboard", f"{count}", count * deployment.prices.usd("dashboard_month"))


def _metrics(deployment: BilledDeployment) -> Iterator[BillRow]:
    usd = deployment.prices.usd("metric_month")
    filters = len(deployment.of_type("aws_cloudwatch_log_metric_filter"))
    if own := len(deployment.metrics) + filters:
        yield BillRow("metrics of the functions", f"{own}, if each is sent every hour", own * usd)
    methods = deployment.template.methods_with_metrics()
    if methods:
        each = len(METHOD_METRICS)
        yield BillRow(
            "API metrics by method",
            f"{each} for each of {len(methods)} methods, if each is called every hour",
            len(methods) * each * usd,
        )


def _logs(deployment: BilledDeployment) -> Iterator[BillRow]:
    groups = len(deployment.of_type("aws_cloudwatch_log_group"))
    if not groups:
        return
    prices, use = deployment.prices, deployment.usage
    sweeps = deployment.template.scheduled_calls_a_month(MONTH_HOURS)
    written = sweeps * use["idle"]["sweep_log_kb"] / _GB_IN_KB
    idle = written * prices.usd("log_gb") + use["stored"]["log_gb"] * prices.usd("log_gb_month")
    visitor = use["visitor"]["log_kb"] / _GB_IN_KB * prices.usd("log_gb")
    yield BillRow("logs", f"{groups} groups", idle, THOUSAND * visitor)


# ---------------------------------------------------------------------------------------------
# The flow
# ---------------------------------------------------------------------------------------------


def _api(deployment: BilledDeployment) -> Iterator[BillRow]:
    apis = deployment.template.of_type("AWS::Serverless::Api")
    if not apis:
        return
    prices, visitor = deployment.prices, deployment.usage["visitor"]
    calls = visitor["api_calls"]
    usd = calls * prices.usd("api_call")
    usd += visitor["api_answer_kb"] / _GB_IN_KB * prices.usd("internet_gb")
    yield BillRow(
        "API Gateway", f"{calls:g} calls per visitor, and their answers", 0.0, THOUSAND * usd
    )
    if any(api.get("TracingEnabled") for api in apis.values()):
        traces = calls + visitor["batch_calls"]
        yield BillRow(
            "X-Ray", "if every call is traced", 0.0, THOUSAND * traces * prices.usd("trace")
        )


def _functions(deployment: BilledDeployment) -> Iterator[BillRow]:
    template, prices, use = deployment.template, deployment.prices, deployment.usage
    if not template.functions:
        return
    visitor = use["visitor"]
    second = prices.usd("lambda_gb_second_arm" if template.is_arm else "lambda_gb_second_x86")
    calling = [each for each in template.functions.values() if _is_called_by(each, "Api")]
    others = [each for each in template.functions.values() if each not in calling]
    api, batch = _gigabytes(calling), _gigabytes(others)
    sweeps = template.scheduled_calls_a_month(MONTH_HOURS)
    call = prices.usd("lambda_call")
    yield BillRow(
        "Lambda",
        f"{len(template.functions)} functions on {'arm64' if template.is_arm else 'x86_64'}",
        sweeps * (call + use["idle"]["sweep_seconds"] * batch * second),
        THOUSAND
        * (
            visitor["api_calls"] * (call + visitor["api_seconds"] * api * second)
            + visitor["batch_calls"] * (call + visitor["batch_seconds"] * batch * second)
        ),
    )


def _is_called_by(function: dict[str, Any], kind: str) -> bool:
    return any(event["Type"] == kind for event in function.get("Events", {}).values())


def _gigabytes(functions: list[dict[str, Any]]) -> float:
    """Return the memory of the largest of these functions, in GB; 0 without functions."""
    return max((int(each["MemorySize"]) for each in functions), default=0) / 1024


def _queues(deployment: BilledDeployment) -> Iterator[BillRow]:
    if not deployment.of_type("aws_sqs_queue"):
        return
    request, use = deployment.prices.usd("sqs_request"), deployment.usage
    polled = len(deployment.template.events("SQS"))
    waits = [
        each.get("receive_wait_time_seconds") or 0 for each in deployment.of_type("aws_sqs_queue")
    ]
    wait = max([*waits, 1])
    polls = polled * use["idle"]["polls_at_once"] * MONTH_HOURS * _SECONDS_IN_HOUR / wait
    yield BillRow(
        "SQS",
        f"{polls / 1e6:.1f} million empty polls of {polled} queues",
        polls * request,
        THOUSAND * use["visitor"]["sqs_requests"] * request,
    )


def _tables(deployment: BilledDeployment) -> Iterator[BillRow]:
    tables = deployment.of_type("aws_dynamodb_table")
    if not tables:
        return
    prices, use = deployment.prices, deployment.usage
    stored = use["stored"]["dynamodb_gb"]
    idle = stored * prices.usd("dynamodb_gb_month")
    backed_up = any(_enabled(table, "point_in_time_recovery") for table in tables)
    if backed_up:
        idle += stored * prices.usd("dynamodb_backup_gb_month")
    encrypted = sum(_enabled(table, "server_side_encryption") for table in tables)
    asked = encrypted * MONTH_HOURS * _SECONDS_IN_HOUR / use["idle"]["kms_seconds"]
    idle += asked * prices.usd("kms_request")
    visitor = use["visitor"]
    writes = visitor["dynamodb_writes"] * prices.usd("dynamodb_write")
    reads = visitor["dynamodb_reads"] * prices.usd("dynamodb_read")
    counted = f"{len(tables)} tables, {stored:g} GB"
    counted += ", with point-in-time recovery" if backed_up else ""
    yield BillRow("DynamoDB", counted, idle, THOUSAND * (writes + reads))


def _enabled(table: dict[str, Any], setting: str) -> bool:
    return any(each.get("enabled") for each in table.get(setting) or [])


def _buckets(deployment: BilledDeployment) -> Iterator[BillRow]:
    count = len(deployment.of_type("aws_s3_bucket"))
    if not count:
        return
    prices, use = deployment.prices, deployment.usage
    stored, visitor = use["stored"]["s3_gb"], use["visitor"]
    requests = visitor["s3_puts"] * prices.usd("s3_put") + visitor["s3_gets"] * prices.usd("s3_get")
    yield BillRow(
        "S3",
        f"{count} buckets, {stored:g} GB",
        stored * prices.usd("s3_gb_month"),
        THOUSAND * requests,
    )


def _keys(deployment: BilledDeployment) -> Iterator[BillRow]:
    count = len(deployment.of_type("aws_kms_key"))
    if count:
        usd = count * deployment.prices.usd("kms_key_month")
        yield BillRow("KMS key of the disks", f"{count}, before its first rotation", usd)


def _site(deployment: BilledDeployment) -> Iterator[BillRow]:
    if not deployment.of_type("aws_cloudfront_distribution"):
        return
    prices, visitor = deployment.prices, deployment.usage["visitor"]
    usd = visitor["page_requests"] * prices.usd("cloudfront_request")
    usd += visitor["page_kb"] / _GB_IN_KB * prices.usd("cloudfront_gb")
    counted = f"{visitor['page_requests']:g} requests, {visitor['page_kb'] / 1000:g} MB per visitor"
    yield BillRow("CloudFront", counted, 0.0, THOUSAND * usd)


def _firewall(deployment: BilledDeployment) -> Iterator[BillRow]:
    lists = deployment.of_type("aws_wafv2_web_acl")
    if not lists:
        return
    prices, rules = deployment.prices, sum(len(each.get("rule") or []) for each in lists)
    idle = len(lists) * prices.usd("waf_acl_month") + rules * prices.usd("waf_rule_month")
    calls = deployment.usage["visitor"]["api_calls"] * prices.usd("waf_request")
    yield BillRow("WAF", f"{len(lists)} web ACL, {rules} rules", idle, THOUSAND * calls)


def _texts(deployment: BilledDeployment) -> Iterator[BillRow]:
    prices, texts = deployment.prices, deployment.usage["visitor"]["texts"]
    if not texts:
        return
    part = prices.usd("sms_part") + prices.usd("sms_carrier_fee")
    counted = f"{deployment.text_parts} parts per text in the United States, carrier fees included"
    yield BillRow("texts", counted, 0.0, THOUSAND * texts * deployment.text_parts * part)


# In the order of the table: the resource types that a row covers, and the function that prices it.
ROWS: tuple[tuple[tuple[str, ...], Callable[[BilledDeployment], Iterator[BillRow]]], ...] = (
    (("aws_emr_cluster",), _cluster),
    (("aws_emr_instance_fleet",), _task_nodes),
    ((), _disks),
    ((), _addresses),
    (("aws_kms_key",), _keys),
    (("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"), _alarms),
    (("aws_cloudwatch_log_metric_filter",), _metrics),
    (("aws_cloudwatch_dashboard",), _dashboards),
    (("aws_cloudwatch_log_group",), _logs),
    (("AWS::Serverless::Api",), _api),
    (("AWS::Serverless::Function",), _functions),
    (("aws_sqs_queue",), _queues),
    (("aws_dynamodb_table",), _tables),
    (("aws_s3_bucket",), _buckets),
    (("aws_cloudfront_distribution",), _site),
    (("aws_wafv2_web_acl",), _firewall),
    ((), _texts),
)
PRICED = {kind for kinds, _ in ROWS for kind in kinds}
