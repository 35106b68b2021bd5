# Every name is fixed by docs/contracts.md. ARNs are derived from the names, not read back from the
# resources, so that a plan shows each policy in full and no policy waits for a resource.
locals {
  name       = "marquee-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # The functions' stack and the state bucket, which Terraform does not manage, get the same tags.
  tags = coalesce(var.tags, { project = "marquee", environment = var.environment })

  bucket_kinds = toset(["ratings", "models", "results", "site", "artifacts"])
  buckets      = { for kind in local.bucket_kinds : kind => "${local.name}-${local.account_id}-${kind}" }
  bucket_arns  = { for kind, bucket in local.buckets : kind => "arn:${local.partition}:s3:::${bucket}" }

  table_kinds = toset(["movies", "visitors", "idempotency", "lists"])
  tables      = { for kind in local.table_kinds : kind => "${local.name}-${kind}" }
  table_arns = {
    for kind, table in local.tables :
    kind => "arn:${local.partition}:dynamodb:${var.region}:${local.account_id}:table/${table}"
  }

  queue_kinds = toset(["visitors", "results", "texts"])
  queue_arns = {
    for kind in setunion(local.queue_kinds, local.dead_letter_kinds) :
    kind => "arn:${local.partition}:sqs:${var.region}:${local.account_id}:${local.name}-${kind}"
  }
  dead_letter_kinds = toset([
    for kind in setunion(local.queue_kinds, ["reconcile"]) : "${kind}-dead-letters"
  ])

  functions     = toset(["ingest", "submit-step", "queue-results", "send-text", "reconcile"])
  function_arns = { for name in local.functions : name => "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${local.name}-${name}" }

  # While `make renew` replaces the cluster, the functions work with the new one and the old one.
  cluster_arns = concat(
    [aws_emr_cluster.this.arn],
    [
      for id in var.former_cluster_ids :
      "arn:${local.partition}:elasticmapreduce:${var.region}:${local.account_id}:cluster/${id}"
    ],
  )

  # The rules of the SAM template that call reconcile. The template names them explicitly:
  # CloudFormation shortens the names that it generates when the stack's name is long, and a policy
  # could not predict them.
  reconcile_rule_arns = [
    for rule in ["step-ended-badly", "sweep", "train"] :
    "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${local.name}-${rule}"
  ]

  parameter_prefix = "/marquee/${var.environment}"
  token_secret_arn = "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter${local.parameter_prefix}/token-secret"
}
