# A share of the primary node's memory goes to the driver: the steps run in client mode, so their
# driver is a process on the primary node.
data "aws_ec2_instance_type" "primary" {
  count = var.driver_memory_share > 0 ? 1 : 0

  instance_type = var.primary_instance_type
}

locals {
  # From a heap of 32 GiB on, a JVM cannot compress object pointers, and its references take twice
  # the space.
  largest_driver_mib = 31 * 1024

  driver_memory = {
    for memory_mib in data.aws_ec2_instance_type.primary[*].memory_size : "spark.driver.memory" =>
    "${min(floor(memory_mib * var.driver_memory_share), local.largest_driver_mib)}m"
  }

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
    subnet_id                         = aws_subnet.cluster.id
    emr_managed_master_security_group = aws_security_group.primary.id
    emr_managed_slave_security_group  = aws_security_group.core.id
  }

  master_instance_group {
    name           = "primary"
    instance_type  = var.primary_instance_type
    instance_count = 1

    ebs_config {
      type                 = "gp3"
      size                 = var.disk_gib.data
      volumes_per_instance = 1
    }
  }

  core_instance_group {
    name           = "core"
    instance_type  = var.core_instance_type
    instance_count = var.core_instance_count

    ebs_config {
      type                 = "gp3"
      size                 = var.disk_gib.data
      volumes_per_instance = 1
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
    aws_s3_object.wheels,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.out,
    aws_vpc_security_group_ingress_rule.between_nodes,
  ]
}
