# Checks the clusters that differ from the default: one node, instance fleets, task nodes.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "one_node" {
  command = plan

  variables {
    core_instance_count = 0
    core_instance_type  = "r8g.xlarge"
  }

  # The type of core nodes does not limit the zones of a cluster that has none.
  override_data {
    target          = data.aws_ec2_instance_type_offerings.nodes["primary"]
    override_during = plan
    values          = { locations = ["eu-west-1b"] }
  }

  assert {
    condition     = one(aws_emr_cluster.this.master_instance_group).instance_count == 1 && length(aws_emr_cluster.this.core_instance_group) == 0
    error_message = "The cluster is not one node."
  }

  assert {
    condition = (
      one([for entry in jsondecode(aws_emr_cluster.this.configurations_json) : entry.Properties if entry.Classification == "spark-defaults"])["spark.master"] == "local[*]"
    )
    error_message = "Executors would compete with the driver for the memory of the only node."
  }

  assert {
    condition     = aws_emr_cluster.this.keep_job_flow_alive_when_no_steps && aws_emr_cluster.this.step_concurrency_level == 1 && aws_emr_cluster.this.termination_protection
    error_message = "A cluster of one node ends by itself, or runs steps at the same time."
  }

  assert {
    condition     = keys(data.aws_ec2_instance_type_offerings.nodes) == ["primary"] && terraform_data.zone.input == "eu-west-1b"
    error_message = "The type of core nodes limits the zones of a cluster without core nodes."
  }

  assert {
    condition     = !anytrue([for alarm in aws_cloudwatch_metric_alarm.cluster : alarm.metric_name == "CoreNodesRunning"])
    error_message = "An alarm misses core nodes that the cluster never has."
  }
}

run "fleets" {
  command = plan

  variables {
    instance_fleets = { primary = ["m6g.xlarge"], core = ["m6g.xlarge", "r7g.xlarge"] }
  }

  override_data {
    target          = data.aws_ec2_instance_type.fleets["m6g.xlarge"]
    override_during = plan
    values          = { memory_size = 8192, default_vcpus = 4, supported_architectures = ["arm64"] }
  }

  assert {
    condition     = length(aws_emr_cluster.this.master_instance_group) == 0 && length(aws_emr_cluster.this.core_instance_group) == 0
    error_message = "EMR refuses a cluster of instance groups and instance fleets."
  }

  assert {
    condition = (
      toset(one(aws_emr_cluster.this.master_instance_fleet).instance_type_configs[*].instance_type) == toset(["m7g.xlarge", "m6g.xlarge"])
      && toset(one(aws_emr_cluster.this.core_instance_fleet).instance_type_configs[*].instance_type) == toset(["m7g.xlarge", "m6g.xlarge", "r7g.xlarge"])
    )
    error_message = "A fleet may not use the types that stand in for its own."
  }

  assert {
    condition = (
      one(aws_emr_cluster.this.master_instance_fleet).target_on_demand_capacity == 1
      && one(aws_emr_cluster.this.core_instance_fleet).target_on_demand_capacity == 2
      && coalesce(one(aws_emr_cluster.this.master_instance_fleet).target_spot_capacity, 0) == 0
      && coalesce(one(aws_emr_cluster.this.core_instance_fleet).target_spot_capacity, 0) == 0
      && alltrue([for type in one(aws_emr_cluster.this.core_instance_fleet).instance_type_configs : type.weighted_capacity == 1])
    )
    error_message = "The fleets are not one primary and two core nodes, all on demand."
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.fleets : zone => subnet.cidr_block } == { eu-west-1a = "10.72.1.0/24", eu-west-1b = "10.72.2.0/24" }
    error_message = "The cluster cannot start in every zone that offers its types."
  }

  assert {
    condition = alltrue([
      for subnet in aws_subnet.fleets : subnet.map_public_ip_on_launch && subnet.tags["for-use-with-amazon-emr-managed-policies"] == "true"
    ]) && keys(aws_route_table_association.fleets) == keys(aws_subnet.fleets)
    error_message = "EMR's role may start no node in a zone, or a node there has no way out."
  }

  assert {
    condition = (
      one([for entry in jsondecode(aws_emr_cluster.this.configurations_json) : entry.Properties if entry.Classification == "spark-defaults"])["spark.driver.memory"] == "4096m"
    )
    error_message = "The driver gets more memory than the smallest primary node has for it."
  }

  assert {
    condition     = length(aws_emr_instance_fleet.task) == 0 && length(aws_emr_managed_scaling_policy.task) == 0
    error_message = "There are task nodes that nobody asked for."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.emr_service_passes_role.policy, "iam:CreateServiceLinkedRole")
    error_message = "EMR's role may make a role that only Spot nodes need."
  }
}

run "fleets_of_one_node_in_one_zone" {
  command = plan

  variables {
    core_instance_count = 0
    instance_fleets     = { primary = ["m6g.xlarge"] }
    availability_zone   = "eu-west-1b"
  }

  override_resource {
    target          = aws_subnet.fleets["eu-west-1a"]
    override_during = plan
    values          = { id = "subnet-a" }
  }

  override_resource {
    target          = aws_subnet.fleets["eu-west-1b"]
    override_during = plan
    values          = { id = "subnet-b" }
  }

  assert {
    condition     = length(aws_emr_cluster.this.master_instance_fleet) == 1 && length(aws_emr_cluster.this.core_instance_fleet) == 0
    error_message = "The cluster is not one node."
  }

  assert {
    condition     = one(aws_emr_cluster.this.ec2_attributes).subnet_ids == toset(["subnet-b"])
    error_message = "The cluster may start in another zone than the one asked for."
  }
}

run "a_fleet_of_unequal_types" {
  command = plan

  variables {
    instance_fleets = { core = ["m6i.xlarge"] }
  }

  override_data {
    target          = data.aws_ec2_instance_type.fleets["m6i.xlarge"]
    override_during = plan
    values          = { memory_size = 16384, default_vcpus = 4, supported_architectures = ["x86_64"] }
  }

  expect_failures = [aws_emr_cluster.this]
}

run "task_nodes_on_spot" {
  command = plan

  variables {
    instance_fleets = { core = ["m6g.xlarge"] }
    task_nodes      = { maximum = 4 }
  }

  override_resource {
    target          = aws_subnet.fleets["eu-west-1a"]
    override_during = plan
    values          = { id = "subnet-a" }
  }

  override_resource {
    target          = aws_subnet.fleets["eu-west-1b"]
    override_during = plan
    values          = { id = "subnet-b" }
  }

  override_data {
    target          = data.aws_ec2_instance_type_offerings.alternatives["m6g.xlarge"]
    override_during = plan
    values          = { locations = ["eu-west-1b"] }
  }

  assert {
    condition     = one(aws_emr_cluster.this.ec2_attributes).subnet_ids == toset(["subnet-b"])
    error_message = "EMR may start the cluster where one of its types is not offered."
  }

  assert {
    condition = (
      one(aws_emr_instance_fleet.task).target_spot_capacity == 1
      && one(aws_emr_instance_fleet.task).target_on_demand_capacity == 0
      && toset(one(aws_emr_instance_fleet.task).instance_type_configs[*].instance_type) == toset(["m7g.xlarge", "m6g.xlarge"])
    )
    error_message = "The task nodes are not Spot nodes of the core nodes' types."
  }

  assert {
    condition     = one(one(one(aws_emr_instance_fleet.task).launch_specifications).spot_specification).timeout_action == "SWITCH_TO_ON_DEMAND"
    error_message = "Without Spot capacity, EMR would end the cluster."
  }

  assert {
    condition = one(one(aws_emr_managed_scaling_policy.task).compute_limits) == {
      unit_type                       = "InstanceFleetUnits"
      minimum_capacity_units          = 2
      maximum_capacity_units          = 6
      maximum_core_capacity_units     = 2
      maximum_ondemand_capacity_units = 2
    }
    error_message = "Managed scaling would change the core nodes, or buy task nodes on demand."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.emr_service_passes_role.policy).Statement :
      statement.Action == "iam:CreateServiceLinkedRole" && try(statement.Condition.StringEquals["iam:AWSServiceName"], "") == "spot.amazonaws.com"
    ])
    error_message = "In an account that never had a Spot node, EMR gets none."
  }
}

run "task_nodes_on_demand" {
  command = plan

  variables {
    instance_fleets = {}
    task_nodes      = { minimum = 1, maximum = 3, market = "on_demand" }
  }

  assert {
    condition     = one(aws_emr_instance_fleet.task).target_spot_capacity == 0 && one(aws_emr_instance_fleet.task).target_on_demand_capacity == 1
    error_message = "The task nodes are not bought on demand."
  }

  assert {
    condition = (
      one(one(aws_emr_managed_scaling_policy.task).compute_limits).minimum_capacity_units == 3
      && one(one(aws_emr_managed_scaling_policy.task).compute_limits).maximum_ondemand_capacity_units == 5
    )
    error_message = "Managed scaling leaves the range that was asked for, or uses Spot."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.emr_service_passes_role.policy, "iam:CreateServiceLinkedRole")
    error_message = "EMR's role may make a role that only Spot nodes need."
  }
}

run "the_former_cluster_has_fleets" {
  command = plan

  variables {
    former_cluster_ids = ["j-FORMER"]
  }

  override_data {
    target          = data.aws_subnets.former_fleets[0]
    override_during = plan
    values          = { ids = ["subnet-b"] }
  }

  override_data {
    target          = data.aws_subnet.former_fleets["subnet-b"]
    override_during = plan
    values          = { availability_zone = "eu-west-1b" }
  }

  assert {
    condition     = keys(aws_subnet.fleets) == ["eu-west-1b"] && length(aws_emr_cluster.this.master_instance_group) == 1
    error_message = "Terraform would delete the subnet that the former cluster still runs in."
  }
}
