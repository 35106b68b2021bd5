"""What the local EMR accepts as groups, fleets and managed scaling, and how it shows fleets."""

from typing import Any

import pytest

from local_aws.emr.fleets import (
    ONLY_WHILE_RUNNING,
    Fleets,
    as_groups,
    check_fleet,
    check_instances,
    check_scaling,
    requested_fleets,
)
from local_aws.emr.operations import EmrError, LocalCluster
from tests.local_aws.emr_record import FakeRecord

DISK = {"VolumesPerInstance": 2, "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 64}}


def cluster(name: str = "j-1", state: str = "WAITING") -> LocalCluster:
    return LocalCluster(name, "n", "0", "us-east-1", "", [], FakeRecord(state))


def group(role: str, count: int = 1) -> dict[str, Any]:
    return {"InstanceRole": role, "InstanceType": "m7g.xlarge", "InstanceCount": count}


def fleet(kind: str = "CORE", on_demand: int = 1, spot: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [{"InstanceType": "m7g.xlarge"}, {"InstanceType": "m6g.xlarge"}],
        **more,
    }


def spot_specification(minutes: int = 10, action: str = "SWITCH_TO_ON_DEMAND") -> dict[str, Any]:
    return {"SpotSpecification": {"TimeoutDurationMinutes": minutes, "TimeoutAction": action}}


def fleets(*requested: dict[str, Any]) -> Fleets:
    known = Fleets()
    known.by_cluster["j-1"] = requested_fleets({"InstanceFleets": list(requested)})
    return known


@pytest.mark.parametrize(
    "instances",
    [
        {"InstanceGroups": [group("MASTER")]},
        {"InstanceGroups": [group("MASTER"), group("CORE", 2), group("TASK", 0)]},
        {"InstanceFleets": [fleet("MASTER")], "Ec2SubnetId": "", "Ec2SubnetIds": ["a", "b"]},
        {"InstanceFleets": [fleet("MASTER"), fleet("CORE"), fleet("TASK", 0, 2)]},
    ],
)
def test_a_cluster_of_groups_or_of_fleets_is_accepted_and_needs_no_core_nodes(
    instances: dict[str, Any],
) -> None:
    check_instances(instances)


@pytest.mark.parametrize(
    ("instances", "because"),
    [
        ({"InstanceGroups": [group("MASTER")], "InstanceFleets": [fleet()]}, "exclusive"),
        ({"InstanceGroups": [group("CORE")]}, "exactly one MASTER"),
        ({"InstanceFleets": [fleet("CORE")]}, "exactly one MASTER"),
        ({"InstanceGroups": [group("MASTER"), group("CORE", 0)]}, "at least 1 instance"),
        ({"InstanceFleets": [fleet("MASTER"), fleet(), fleet()]}, "one fleet of each type"),
        ({"InstanceGroups": [group("MASTER")], "Ec2SubnetIds": ["a", "b"]}, "only allowed with"),
        ({"InstanceFleets": [fleet("MASTER")], "Ec2SubnetId": "a", "Ec2SubnetIds": ["b"]}, "Ec2"),
    ],
)
def test_nodes_that_emr_would_not_start_are_refused(
    instances: dict[str, Any], because: str
) -> None:
    with pytest.raises(EmrError, match=because):
        check_instances(instances)


TWICE = [{"InstanceType": "m7g.xlarge"}] * 2
MANY = [{"InstanceType": f"m{n}g.xlarge"} for n in range(6)]
STRATEGY = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (fleet("PRIMARY"), "none of MASTER"),
        (fleet("TASK", 0, 0), "should be greater than 0"),
        (fleet("MASTER", 1, 1), "either On-Demand or Spot"),
        (fleet(InstanceTypeConfigs=[]), "1 to 5 instance types"),
        (fleet(InstanceTypeConfigs=MANY), "1 to 5 instance types"),
        (fleet(InstanceTypeConfigs=TWICE), "twice"),
        (fleet(LaunchSpecifications=spot_specification(minutes=4)), "5 to 1440"),
        (fleet(LaunchSpecifications=spot_specification(action="WAIT")), "TimeoutAction"),
        (
            fleet("MASTER", InstanceTypeConfigs=[{"InstanceType": "a", "WeightedCapacity": 2}]),
            "WeightedCapacity 2",
        ),
        (
            fleet(
                InstanceTypeConfigs=[
                    {
                        "InstanceType": "a",
                        "BidPrice": "1",
                        "BidPriceAsPercentageOfOnDemandPrice": 9.0,
                    }
                ]
            ),
            "exclude each other",
        ),
    ],
)
def test_a_fleet_that_emr_would_refuse_is_refused_with_the_reason(
    wrong: dict[str, Any], because: str
) -> None:
    with pytest.raises(EmrError, match=because):
        check_fleet(wrong)


def test_an_allocation_strategy_allows_more_instance_types() -> None:
    check_fleet(fleet(InstanceTypeConfigs=MANY, LaunchSpecifications=STRATEGY))


LIMITS = {
    "UnitType": "InstanceFleetUnits",
    "MinimumCapacityUnits": 2,
    "MaximumCapacityUnits": 6,
    "MaximumCoreCapacityUnits": 2,
    "MaximumOnDemandCapacityUnits": 2,
}


def test_managed_scaling_within_its_limits_is_accepted() -> None:
    check_scaling({"ComputeLimits": LIMITS}, has_fleets=True)
    check_scaling({"ComputeLimits": {**LIMITS, "UnitType": "Instances"}}, has_fleets=False)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"UnitType": "Instances"}, "cluster of instance fleets"),
        ({"MinimumCapacityUnits": 0}, "MinimumCapacityUnits"),
        ({"MinimumCapacityUnits": 7}, "MinimumCapacityUnits"),
        ({"MaximumCoreCapacityUnits": 7}, "MaximumCoreCapacityUnits"),
        ({"MaximumOnDemandCapacityUnits": 7}, "MaximumOnDemandCapacityUnits"),
    ],
)
def test_managed_scaling_that_emr_would_refuse_is_refused(
    change: dict[str, Any], because: str
) -> None:
    with pytest.raises(EmrError, match=because):
        check_scaling({"ComputeLimits": {**LIMITS, **change}}, has_fleets=True)


def test_moto_gets_a_group_for_each_fleet_in_the_first_subnet() -> None:
    instances = {"InstanceFleets": [fleet("MASTER"), fleet("CORE", 2)], "Ec2SubnetIds": ["a", "b"]}

    assert as_groups(instances) == {
        "InstanceGroups": [group("MASTER"), group("CORE", 2)],
        "Ec2SubnetId": "a",
    }


def test_a_fleet_is_shown_with_its_disks_one_by_one_and_its_strategy_in_capitals() -> None:
    types = [{"InstanceType": "m7g.xlarge", "EbsConfiguration": {"EbsBlockDeviceConfigs": [DISK]}}]
    known = fleets(fleet(InstanceTypeConfigs=types, LaunchSpecifications=STRATEGY))

    (shown,) = known.list_fleets(cluster())["InstanceFleets"]

    (described,) = shown["InstanceTypeSpecifications"]
    assert (
        described["EbsBlockDevices"] == [{"VolumeSpecification": DISK["VolumeSpecification"]}] * 2
    )
    assert shown["LaunchSpecifications"] == {
        "OnDemandSpecification": {"AllocationStrategy": "LOWEST_PRICE"}
    }
    assert (shown["Status"]["State"], shown["ProvisionedOnDemandCapacity"]) == ("RUNNING", 1)


def test_a_task_fleet_is_added_once_and_its_targets_change() -> None:
    known = fleets(fleet("MASTER"), fleet("CORE"))

    added = known.add(cluster(), {"InstanceFleet": fleet("TASK", 0, 1)})
    change = {"InstanceFleetId": added["InstanceFleetId"], "TargetSpotCapacity": 3}
    known.modify(cluster(), {"InstanceFleet": change})

    task = known.list_fleets(cluster())["InstanceFleets"][-1]
    assert (task["TargetSpotCapacity"], task["TargetOnDemandCapacity"]) == (3, 0)
    with pytest.raises(EmrError, match="only one TASK"):
        known.add(cluster(), {"InstanceFleet": fleet("TASK", 0, 1)})


def test_only_a_task_fleet_can_be_added_and_only_to_a_cluster_of_fleets() -> None:
    with pytest.raises(EmrError, match="Only a TASK"):
        fleets(fleet("MASTER")).add(cluster(), {"InstanceFleet": fleet("CORE")})
    with pytest.raises(EmrError, match="mutually exclusive"):
        fleets(fleet("MASTER")).add(cluster("j-2"), {"InstanceFleet": fleet("TASK")})


def test_the_fleets_of_an_ended_cluster_cannot_be_changed() -> None:
    known = fleets(fleet("MASTER"), fleet("TASK", 0, 1))
    task = known.of(cluster())[1].id

    with pytest.raises(EmrError, match=ONLY_WHILE_RUNNING):
        known.modify(cluster(state="TERMINATED"), {"InstanceFleet": {"InstanceFleetId": task}})


def test_operations_on_groups_are_refused_for_a_cluster_of_fleets_and_the_reverse() -> None:
    known = fleets(fleet("MASTER"))

    with pytest.raises(EmrError, match="mutually exclusive"):
        known.check_groups(cluster())
    with pytest.raises(EmrError, match="mutually exclusive"):
        known.list_fleets(cluster("j-2"))
