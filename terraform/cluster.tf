# A share of the primary node's memory goes to the driver: the steps run in client mode, so their
# driver is a process on the primary node.
data "aws_ec2_instance_type" "primary" {
  count = var.driver_memory_share > 0 ? 1 : 0

  instance_type = var.primary_instance_type
}

data "aws_ec2_instance_type" "fleets" {
  for_each = local.has_fleets ? toset(flatten(values(local.types))) : []

  instance_type = each.value
}

locals {
  is_one_node = var.core_instance_count == 0
  has_fleets  = var.instance_fleets != null

  # The types that each kind of node may have, the preferred one first.
  types = merge(
    { primary = concat([var.primary_instance_type], try(var.instance_fleets.primary, [])) },
    local.is_one_node ? {} : { core = concat([var.core_instance_type], try(var.instance_fleets.core, [])) },
  )
  alternative_types = toset(flatten([for types in values(local.types) : slice(types, 1, length(types))]))

  # What must be the same for all types of a fleet, as "processors, architectures".
  type_sizes = {
    for node, types in local.types : node => {
      for type in types :
      type => "${data.aws_ec2_instance_type.fleets[type].default_vcpus} processors, ${join(" and ", sort(data.aws_ec2_instance_type.fleets[type].supported_architectures))}"
    } if local.has_fleets
  }

  # From a heap of 32 GiB on, a JVM cannot compress object pointers, and its references take twice
  # the space.
  largest_driver_mib = 31 * 1024

  # EMR may take any type of the fleet, so the smallest memory counts.
  primary_memory_mib = concat(
    data.aws_ec2_instance_type.primary[*].memory_size,
    [for type in local.types.primary : data.aws_ec2_instance_type.fleets[type].memory_size if local.has_fleets],
  )

  driver_memory = var.driver_memory_share == 0 ? {} : {
    "spark.driver.memory" = "${min(floor(min(local.primary_memory_mib...) * var.driver_memory_share), local.largest_driver_mib)}m"
  }

  # On one node, executors of YARN would compete with the driver for the memory that EMR gives to
  # YARN, which it computes as if the driver ran elsewhere.
  one_node_defaults = local.is_one_node ? { "spark.master" = "local[*]" } : {}

  # spark.sql.ansi.enabled is already the default of this release. It is set explicitly because the
  # steps rely on invalid casts failing. OPENBLAS_NUM_THREADS=1: Spark runs one task per core, and
  # threads started by a library would compete with the tasks for the cores. EMR chooses the number
  # and size of the executors (dynamic allocation, sized by the core nodes):
  # docs/decisions/0002-terraform.md says why.
  spark_defaults = merge(
    {
      # The history server deletes old event logs (HDFS, /var/log/spark/apps), which would fill the
      # disks of a long-lived cluster. The steps' own output is kept under the log URI.
      "spark.history.fs.cleaner.enabled"             = "true"
      "spark.history.fs.cleaner.interval"            = "1d"
      "spark.history.fs.cleaner.maxAge"              = "7d"
      "spark.sql.ansi.enabled"                       = "true"
      "spark.sql.session.timeZone"                   = "UTC"
      "spark.serializer"                             = "org.apache.spark.serializer.KryoSerializer"
      "spark.executorEnv.OPENBLAS_NUM_THREADS"       = "1"
      "spark.yarn.appMasterEnv.OPENBLAS_NUM_THREADS" = "1"
    },
    { for python in compact([var.cluster_python]) : "spark.pyspark.python" => python },
    { for python in compact([var.cluster_python]) : "spark.pyspark.driver.python" => python },
    local.driver_memory,
    local.one_node_defaults,
    var.spark_defaults,
  )

  spark_environment = merge(
    { OPENBLAS_NUM_THREADS = "1" },
    { for python in compact([var.cluster_python]) : "PYSPARK_PYTHON" => python },
  )

  # Every plan compares this, as JSON, with what EMR returns, and a difference replaces the cluster.
  # EMR returns capitalised keys (hashicorp/terraform-provider-aws#7101), leaves out empty lists of
  # configurations, and returns empty properties for a configuration that contains another. The
  # provider's own acceptance test has this shape (TestAccEMRCluster_sJSON in internal/service/emr).
  cluster_configurations = [
    { Classification = "spark-defaults", Properties = local.spark_defaults },
    {
      Classification = "spark-env"
      Configurations = [{ Classification = "export", Properties = local.spark_environment }]
      Properties     = {}
    },
  ]

  wheels = var.wheels_directory == null ? [] : fileset(var.wheels_directory, "*")
}

# ---------------------------------------------------------------------------------------------
# What the nodes install
# ---------------------------------------------------------------------------------------------

resource "aws_s3_object" "bootstrap" {
  bucket      = aws_s3_bucket.this["artifacts"].id
  key         = "bootstrap/install.sh"
  source      = "${path.module}/bootstrap/install.sh"
  source_hash = filemd5("${path.module}/bootstrap/install.sh")
}

resource "aws_s3_object" "wheels" {
  for_each = toset(local.wheels)

  bucket      = aws_s3_bucket.this["artifacts"].id
  key         = "bootstrap/wheels/${each.value}"
  source      = "${var.wheels_directory}/${each.value}"
  source_hash = filemd5("${var.wheels_directory}/${each.value}")
}

# ---------------------------------------------------------------------------------------------
# How the nodes are locked down
# ---------------------------------------------------------------------------------------------

resource "aws_kms_key" "disks" {
  count = var.encrypt_disks ? 1 : 0

  description             = "Disks of the nodes of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "disks" {
  count = var.encrypt_disks ? 1 : 0

  name          = "alias/${local.name}-disks"
  target_key_id = aws_kms_key.disks[0].key_id
}

resource "aws_emr_security_configuration" "this" {
  name = local.name

  configuration = jsonencode(merge(
    {
      # IMDSv2 only: a request forged through a node cannot read the node's credentials.
      InstanceMetadataServiceConfiguration = {
        MinimumInstanceMetadataServiceVersion = 2
        HttpPutResponseHopLimit               = 1
      }
    },
    {
      for key in aws_kms_key.disks[*].arn : "EncryptionConfiguration" => {
        EnableInTransitEncryption = false
        EnableAtRestEncryption    = true
        AtRestEncryptionConfiguration = {
          S3EncryptionConfiguration = { EncryptionMode = "SSE-S3" }
          LocalDiskEncryptionConfiguration = {
            EncryptionKeyProviderType = "AwsKms"
            AwsKmsKey                 = key
            EnableEbsEncryption       = true
          }
        }
      }
    },
  ))
}

# ---------------------------------------------------------------------------------------------
# The cluster
# ---------------------------------------------------------------------------------------------

# The provider takes a core group that is no longer configured for one that it should leave alone.
resource "terraform_data" "is_one_node" {
  input = local.is_one_node
}

resource "aws_emr_cluster" "this" {
  name          = local.name
  release_label = var.release_label
  applications  = ["Spark"]

  service_role           = aws_iam_role.emr_service.arn
  security_configuration = aws_emr_security_configuration.this.name
  log_uri                = "s3://${local.buckets.artifacts}/logs/"

  # One step at a time, so that a train step has finished before the recommend step after it starts.
  step_concurrency_level            = 1
  keep_job_flow_alive_when_no_steps = true
  termination_protection            = var.termination_protection
  ebs_root_volume_size              = var.disk_gib.root

  configurations_json = jsonencode(local.cluster_configurations)

  ec2_attributes {
    instance_profile                  = aws_iam_instance_profile.nodes.arn
    subnet_id                         = local.has_fleets ? null : aws_subnet.cluster.id
    subnet_ids                        = local.has_fleets ? coalescelist(local.fleet_subnets, [aws_subnet.cluster.id]) : null
    emr_managed_master_security_group = aws_security_group.primary.id
    emr_managed_slave_security_group  = aws_security_group.core.id
  }

  dynamic "master_instance_group" {
    for_each = local.has_fleets ? [] : [true]

    content {
      name           = "primary"
      instance_type  = var.primary_instance_type
      instance_count = 1

      ebs_config {
        type                 = "gp3"
        size                 = var.disk_gib.data
        volumes_per_instance = 1
      }
    }
  }

  dynamic "core_instance_group" {
    for_each = local.has_fleets || local.is_one_node ? [] : [true]

    content {
      name           = "core"
      instance_type  = var.core_instance_type
      instance_count = var.core_instance_count

      ebs_config {
        type                 = "gp3"
        size                 = var.disk_gib.data
        volumes_per_instance = 1
      }
    }
  }

  dynamic "master_instance_fleet" {
    for_each = local.has_fleets ? [true] : []

    content {
      name                      = "primary"
      target_on_demand_capacity = 1

      dynamic "instance_type_configs" {
        for_each = local.types.primary

        content {
          instance_type     = instance_type_configs.value
          weighted_capacity = 1

          ebs_config {
            type                 = "gp3"
            size                 = var.disk_gib.data
            volumes_per_instance = 1
          }
        }
      }

      launch_specifications {
        on_demand_specification {
          allocation_strategy = "lowest-price"
        }
      }
    }
  }

  dynamic "core_instance_fleet" {
    for_each = local.has_fleets && !local.is_one_node ? [true] : []

    content {
      name                      = "core"
      target_on_demand_capacity = var.core_instance_count

      dynamic "instance_type_configs" {
        for_each = local.types.core

        content {
          instance_type     = instance_type_configs.value
          weighted_capacity = 1

          ebs_config {
            type                 = "gp3"
            size                 = var.disk_gib.data
            volumes_per_instance = 1
          }
        }
      }

      launch_specifications {
        on_demand_specification {
          allocation_strategy = "lowest-price"
        }
      }
    }
  }

  bootstrap_action {
    name = "numpy, pyarrow and OpenBLAS"
    path = "s3://${local.buckets.artifacts}/${aws_s3_object.bootstrap.key}"
    args = ["s3://${local.buckets.artifacts}/bootstrap/wheels/"]
  }

  dynamic "auto_termination_policy" {
    for_each = var.idle_timeout_minutes == null ? [] : [var.idle_timeout_minutes]

    content {
      idle_timeout = auto_termination_policy.value * 60
    }
  }

  tags = local.emr_tag

  # The nodes need these as soon as they start, and no argument above refers to them.
  depends_on = [
    aws_iam_role_policy.emr_service_passes_role,
    aws_iam_role_policy.nodes,
    aws_iam_role_policy_attachment.emr_service,
    aws_route.internet,
    aws_route_table_association.cluster,
    aws_route_table_association.fleets,
    aws_s3_object.wheels,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.out,
    aws_vpc_security_group_ingress_rule.between_nodes,
  ]
  lifecycle {
    # A zone that AWS adds becomes a choice for the next cluster and does not replace this one.
    ignore_changes       = [ec2_attributes[0].subnet_ids]
    replace_triggered_by = [terraform_data.is_one_node]

    precondition {
      condition     = alltrue([for sizes in local.type_sizes : length(distinct(values(sizes))) == 1])
      error_message = "The types of an instance fleet must have the same number of processors and the same architecture: ${jsonencode(local.type_sizes)}. Change primary_instance_type, core_instance_type or instance_fleets."
    }

    postcondition {
      # The one that the cluster does not use is null.
      condition     = try(length(self.core_instance_group), 0) + try(length(self.core_instance_fleet), 0) == (local.is_one_node ? 0 : 1)
      error_message = "core_instance_count = ${var.core_instance_count} needs a new cluster: run `make renew`."
    }
  }
}

# ---------------------------------------------------------------------------------------------
# Task nodes
# ---------------------------------------------------------------------------------------------

# They hold no HDFS, so losing one loses no data, only work that Spark repeats.
resource "aws_emr_instance_fleet" "task" {
  count = var.task_nodes == null ? 0 : 1

  cluster_id = aws_emr_cluster.this.id
  name       = "task"

  # EMR accepts no fleet without any capacity. Managed scaling changes the targets from then on.
  target_on_demand_capacity = var.task_nodes.market == "on_demand" ? max(1, var.task_nodes.minimum) : 0
  target_spot_capacity      = var.task_nodes.market == "spot" ? max(1, var.task_nodes.minimum) : 0

  dynamic "instance_type_configs" {
    for_each = local.types.core

    content {
      instance_type     = instance_type_configs.value
      weighted_capacity = 1

      ebs_config {
        type                 = "gp3"
        size                 = var.disk_gib.data
        volumes_per_instance = 1
      }
    }
  }

  launch_specifications {
    on_demand_specification {
      allocation_strategy = "lowest-price"
    }

    # The timeout applies when the fleet is first provisioned.
    spot_specification {
      allocation_strategy      = "capacity-optimized"
      timeout_action           = "SWITCH_TO_ON_DEMAND"
      timeout_duration_minutes = 10
    }
  }

  lifecycle {
    ignore_changes = [target_on_demand_capacity, target_spot_capacity]
  }
}

# Core nodes keep their number: minimum and maximum of the core nodes are core_instance_count. Up to
# the limit for on-demand nodes, EMR buys on demand; everything beyond is Spot.
resource "aws_emr_managed_scaling_policy" "task" {
  count = var.task_nodes == null ? 0 : 1

  cluster_id = aws_emr_cluster.this.id

  compute_limits {
    unit_type                       = "InstanceFleetUnits"
    minimum_capacity_units          = var.core_instance_count + var.task_nodes.minimum
    maximum_capacity_units          = var.core_instance_count + var.task_nodes.maximum
    maximum_core_capacity_units     = var.core_instance_count
    maximum_ondemand_capacity_units = var.core_instance_count + (var.task_nodes.market == "on_demand" ? var.task_nodes.maximum : 0)
  }

  depends_on = [aws_emr_instance_fleet.task]
}
