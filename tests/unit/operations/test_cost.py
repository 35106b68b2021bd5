"""The cost of a deployment: rows computed by hand, resources without a price, and savings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.cost import bill, knobs
from operations.cost.bill import BillRow, price
from operations.cost.billed_deployment import MONTH_HOURS, BilledDeployment
from operations.cost.cluster_choices import cluster_choices
from operations.cost.custom_metrics import custom_metrics
from operations.cost.prices import load_prices
from operations.cost.report import as_markdown
from operations.errors import OperationError
from operations.planned import Resource, read_plan, resources
from operations.sam_template import Template, load_template

NOTHING = Template({}, {})


def deployed(
    *planned: tuple[str, dict[str, Any]], template: Template = NOTHING
) -> BilledDeployment:
    named = tuple(Resource(f"{kind}.this", kind, values) for kind, values in planned)
    return BilledDeployment(named, template, text_parts=3)


def cluster(core: int = 2, kind: str = "m7g.xlarge", data: int = 64) -> tuple[str, dict[str, Any]]:
    disk = {"size": data, "type": "gp3", "volumes_per_instance": 1}
    group = {"instance_type": kind, "ebs_config": [disk]}
    return "aws_emr_cluster", {
        "ebs_root_volume_size": 30,
        "master_instance_group": [{**group, "instance_count": 1}],
        "core_instance_group": [{**group, "instance_count": core}],
    }


def fleets(core: int = 2) -> tuple[str, dict[str, Any]]:
    """Return a cluster of fleets: m7g.xlarge, or m6g.xlarge, which costs less."""
    disk = {"size": 64, "type": "gp3", "volumes_per_instance": 1}
    types = [{"instance_type": kind, "ebs_config": [disk]} for kind in ("m7g.xlarge", "m6g.xlarge")]
    fleet = {"instance_type_configs": types}
    return "aws_emr_cluster", {
        "ebs_root_volume_size": 30,
        "master_instance_fleet": [{**fleet, "target_on_demand_capacity": 1}],
        "core_instance_fleet": [{**fleet, "target_on_demand_capacity": core}],
    }


def task_nodes(least: int, most: int, *, spot: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the planned resources of task nodes beside two core nodes."""
    disk = {"size": 64, "type": "gp3", "volumes_per_instance": 1}
    limits = {
        "minimum_capacity_units": 2 + least,
        "maximum_capacity_units": 2 + most,
        "maximum_core_capacity_units": 2,
        "maximum_ondemand_capacity_units": 2 if spot else 2 + most,
    }
    types = [{"instance_type": "m7g.xlarge", "ebs_config": [disk]}]
    return [
        ("aws_emr_instance_fleet", {"instance_type_configs": types}),
        ("aws_emr_managed_scaling_policy", {"compute_limits": [limits]}),
    ]


def function(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Serverless::Function", "Properties": {"MemorySize": 1024, **properties}}


def row(deployment: BilledDeployment, what: str) -> BillRow:
    (found,) = [each for each in price(deployment).rows if each.what == what]
    return found


def test_a_node_costs_its_ec2_and_its_emr_hour() -> None:
    assert row(deployed(cluster()), "EMR cluster").idle == pytest.approx(3 * 0.204 * 730)


def test_the_root_disk_of_every_node_is_counted_as_well_as_its_data_disk() -> None:
    assert row(deployed(cluster()), "nodes' disks").idle == pytest.approx(3 * (30 + 64) * 0.08)


def test_a_cluster_of_one_node_costs_one_node() -> None:
    kind, values = cluster()
    one = (kind, {**values, "core_instance_group": []})

    assert row(deployed(one), "EMR cluster").idle == pytest.approx(0.204 * 730)
    assert row(deployed(one), "nodes' disks").idle == pytest.approx((30 + 64) * 0.08)


def test_a_fleet_costs_as_much_as_its_dearest_type() -> None:
    counted = row(deployed(fleets()), "EMR cluster")

    assert counted.idle == pytest.approx(3 * 0.204 * 730)
    assert counted.counted.startswith("3 of m6g.xlarge or m7g.xlarge")


def test_a_task_node_on_spot_costs_a_share_of_its_ec2_hour_and_all_of_its_emr_hour() -> None:
    there = deployed(cluster(), *task_nodes(1, 4, spot=True))
    hours = 730 + 3 * there.usage["cluster"]["task_hours"]
    hour = 0.1632 * there.usage["cluster"]["spot_share"] + 0.0408

    assert row(there, "task nodes").idle == pytest.approx(hours * hour)
    assert row(there, "nodes' disks").idle == pytest.approx((3 + hours / 730) * (30 + 64) * 0.08)
    assert price(there).unpriced == ()


def test_a_task_node_on_demand_costs_its_whole_hour() -> None:
    there = deployed(cluster(), *task_nodes(0, 1, spot=False))

    assert row(there, "task nodes").idle == pytest.approx(
        there.usage["cluster"]["task_hours"] * 0.204
    )


def test_the_other_clusters_stand_beside_the_planned_one_with_their_true_costs() -> None:
    there = deployed(cluster(), ("aws_subnet", {"map_public_ip_on_launch": True}))
    node = 0.204 * 730 + (30 + 64) * 0.08 + 0.005 * 730

    planned, one, more, on_demand, spot = cluster_choices(there)

    assert planned.idle == pytest.approx(price(there).idle)
    assert one.idle == pytest.approx(planned.idle - 2 * node)
    assert more.idle == pytest.approx(planned.idle + 2 * node)
    assert planned.idle < spot.idle < on_demand.idle < more.idle
    assert planned.month == pytest.approx(price(there).month(1000))


def test_a_cluster_of_one_node_is_not_compared_with_task_nodes() -> None:
    kind, values = cluster()

    assert [each.cluster for each in cluster_choices(deployed((kind, values | {
        "core_instance_group": []
    })))] == ["as planned"]  # fmt: skip


def test_a_node_in_a_public_subnet_pays_for_its_address() -> None:
    subnet = ("aws_subnet", {"map_public_ip_on_launch": True})

    addresses = row(deployed(cluster(), subnet), "public IPv4 addresses")

    assert addresses.idle == pytest.approx(3 * 0.005 * 730)


def test_nodes_in_a_private_subnet_pay_for_no_address() -> None:
    subnet = ("aws_subnet", {"map_public_ip_on_launch": False})

    rows = price(deployed(cluster(), subnet)).rows

    assert "public IPv4 addresses" not in {each.what for each in rows}


def test_an_alarm_costs_one_price_for_each_metric_and_three_below_a_minute() -> None:
    read = {"metric": [{"metric_name": "Errors"}]}
    alarms = deployed(
        ("aws_cloudwatch_metric_alarm", {"period": 60}),
        ("aws_cloudwatch_metric_alarm", {"metric_query": [read, read, {"expression": "a / b"}]}),
        ("aws_cloudwatch_metric_alarm", {"period": 10}),
    )

    assert row(alarms, "alarms").idle == pytest.approx((1 + 2 + 3) * 0.10)


def test_a_kms_key_costs_a_dollar() -> None:
    assert row(deployed(("aws_kms_key", {})), "KMS key of the disks").idle == 1.0


def test_tables_with_point_in_time_recovery_pay_for_the_backup_of_their_data() -> None:
    plain = ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": False}]})
    kept = ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": True}]})

    more = row(deployed(kept), "DynamoDB").idle - row(deployed(plain), "DynamoDB").idle

    assert more == pytest.approx(deployed(kept).usage["stored"]["dynamodb_gb"] * 0.20)


def test_a_queue_that_lambda_polls_costs_even_while_it_is_empty() -> None:
    queue = ("aws_sqs_queue", {"receive_wait_time_seconds": 20})
    polled = function(Events={"Texts": {"Type": "SQS", "Properties": {"Queue": "q"}}})
    polls = 5 * MONTH_HOURS * 3600 / 20

    idle = row(deployed(queue, template=Template({"F": polled}, {})), "SQS").idle

    assert idle == pytest.approx(polls * 0.4e-6)


def test_a_text_costs_its_parts_and_the_carriers_fees() -> None:
    assert row(deployed(), "texts").thousand == pytest.approx(1000 * 3 * (0.00645 + 0.0035))


def api(*settings: dict[str, Any]) -> Template:
    calls = {
        "Forms": {"Type": "Api", "Properties": FORMS},
        "Rest": {"Type": "Api", "Properties": {"Path": "/{proxy+}", "Method": "ANY"}},
    }
    gateway = {
        "Type": "AWS::Serverless::Api",
        "Properties": {"MethodSettings": list(settings)},
    }
    return Template({"Api": gateway, "F": function(Events=calls)}, {})


FORMS = {"Path": "/visitors", "Method": "POST"}
EVERYWHERE = {"ResourcePath": "/*", "HttpMethod": "*", "MetricsEnabled": True}
NOT_FORMS = {"ResourcePath": "/visitors", "HttpMethod": "POST", "MetricsEnabled": False}


def test_every_method_with_detailed_metrics_costs_five_metrics() -> None:
    counted = row(deployed(template=api(EVERYWHERE)), "API metrics by method")

    assert counted.idle == pytest.approx(2 * 5 * 0.30)


def test_the_setting_of_a_method_overrides_the_one_for_all() -> None:
    assert api(EVERYWHERE, NOT_FORMS).methods_with_metrics() == [("/{proxy+}", "ANY")]


def test_an_api_without_detailed_metrics_pays_for_none() -> None:
    assert api().methods_with_metrics() == []


def test_scheduled_calls_are_counted_by_their_rates() -> None:
    events = {
        "Sweep": {"Type": "Schedule", "Properties": {"Schedule": {"Ref": "SweepSchedule"}}},
        "Train": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}},
    }
    template = Template({"F": function(Events=events)}, {"SweepSchedule": "rate(5 minutes)"})

    assert template.scheduled_calls_a_month(48) == 48 * 12 + 2


def test_a_schedule_that_is_not_a_rate_is_rejected_with_its_text() -> None:
    events = {"Nightly": {"Type": "Schedule", "Properties": {"Schedule": "cron(0 2 * * ? *)"}}}

    with pytest.raises(OperationError, match="cron"):
        Template({"F": function(Events=events)}, {}).scheduled_calls_a_month(1)


def test_the_time_of_functions_on_arm_costs_a_fifth_less() -> None:
    called = {"F": function(Events={"Forms": {"Type": "Api", "Properties": FORMS}})}
    x86, arm = Template(called, {}), Template(called, {"Architecture": "arm64"})

    def seconds(template: Template) -> float:
        calls = 1000 * 40 * 0.2e-6 + 1000 * 3 * 0.2e-6
        return row(deployed(template=template), "Lambda").thousand - calls

    assert seconds(arm) == pytest.approx(0.8 * seconds(x86), rel=1e-3)


def test_a_firewall_costs_its_list_and_its_rules() -> None:
    rules = ("aws_wafv2_web_acl", {"rule": [{"name": "rate"}, {"name": "other"}]})

    assert row(deployed(rules), "WAF").idle == pytest.approx(5 + 2)


def test_a_resource_type_that_the_price_file_does_not_know_is_named() -> None:
    there = deployed(("aws_nat_gateway", {}))

    assert price(there).unpriced == ("aws_nat_gateway.this (aws_nat_gateway)",)


def test_a_resource_that_is_free_with_some_values_is_unpriced_with_others() -> None:
    gateway = ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"})
    interface = ("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface"})

    assert price(deployed(gateway)).unpriced == ()
    assert len(price(deployed(interface)).unpriced) == 1


def test_nodes_of_a_type_without_a_price_are_named() -> None:
    assert price(deployed(cluster(kind="x9.huge"))).unpriced == ("nodes of type x9.huge",)


def test_a_free_type_has_a_reason_and_no_row() -> None:
    free = load_prices().free

    assert not free.keys() & bill.PRICED
    assert [name for name, entry in free.items() if not entry["why"]] == []


def test_every_price_names_its_source() -> None:
    units = load_prices().units

    assert [name for name, each in units.items() if not each["source"].startswith("https://")] == []


def test_the_three_changes_that_save_most_come_first_with_their_true_savings() -> None:
    there = deployed(cluster(core=4), ("aws_subnet", {"map_public_ip_on_launch": True}))

    best = knobs.best_knobs(there)

    fewer = replace(there, resources=deployed(cluster(core=1)).resources + there.resources[1:])
    saved = price(there).month(1000) - price(fewer).month(1000)
    assert len(best) == 3
    assert [each.saves for each in best] == sorted((each.saves for each in best), reverse=True)
    assert next(each for each in best if "core_instance_count" in each.change).saves == (
        pytest.approx(saved)
    )


def test_a_change_that_is_already_made_is_not_offered() -> None:
    small = deployed(cluster(core=1, kind="c7g.xlarge", data=32))

    changes = " ".join(each.change for each in knobs.best_knobs(small))

    assert "core_instance_count" not in changes
    assert "c7g.xlarge" not in changes
    assert "disk_gib" not in changes


def test_a_destroyed_resource_and_a_data_source_cost_nothing() -> None:
    def change(mode: str, after: dict[str, Any] | None) -> dict[str, Any]:
        return {"address": "a.b", "type": "a", "mode": mode, "change": {"after": after}}

    changes = [change("managed", None), change("data", {}), change("managed", {})]

    assert resources({"resource_changes": changes}) == [Resource("a.b", "a", {})]


def test_a_file_that_is_not_a_plan_is_rejected_with_the_way_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("Plan: 3 to add")

    with pytest.raises(OperationError, match="terraform show -json"):
        read_plan(tmp_path / "plan")


def test_a_metric_is_counted_for_each_function_that_sends_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        code = (
            'metrics.add_metric("Failed", "Count", 1)\nmetrics.add_metric(name="Sent", value=2)\n'
        )
        (tmp_path / name / "app.py").write_text(code)
    cold = "@metrics.log_metrics(capture_cold_start_metric=True)\ndef handler(): ...\n"
    (tmp_path / "two" / "more.py").write_text(cold)

    assert custom_metrics(tmp_path) == {
        ("Failed", "one"), ("Sent", "one"), ("Failed", "two"), ("Sent", "two"), ("ColdStart", "two")
    }  # fmt: skip


def test_a_metric_whose_name_is_computed_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "app.py").write_text('metrics.add_metric(prefix + "Failed", "Count", 1)')

    with pytest.raises(OperationError, match="write the metric's name out"):
        custom_metrics(tmp_path)


def test_the_whole_template_has_prices_with_its_defaults() -> None:
    there = BilledDeployment((), load_template({}), frozenset(custom_metrics()))

    assert price(there).unpriced == ()
    assert len(there.template.events("SQS")) == 3
    assert ("VisitorsTexted", "send_text") in there.metrics


def test_the_page_shows_every_row_and_the_total() -> None:
    page = as_markdown(deployed(cluster()))

    assert (
        "| EMR cluster | 3 m7g.xlarge, each 0.1632 (EC2) + 0.0408 (EMR) an hour | 446.76 | |"
        in (page.replace("  |", " |"))
    )
    assert "| **total** | | **469.32** | **29.85** |" in page
