# All buckets are encrypted with SSE-S3, so S3 events, Lambda, EMR and CloudFront need no key
# policies. A KMS key would add a charge to every request, and would not keep out any principal that
# the bucket policy allows.
locals {
  # Ratings and results have no versions: deleting an object must leave no copy of a forgotten
  # visitor's data.
  versioned_buckets = toset(["models", "site", "artifacts"])

  lifecycle_rules = {
    ratings = concat(
      [{ id = "submissions-expire", prefix = "submissions/", days = var.retention_days.submissions }],
      [
        for days in [var.retention_days.visitor_objects] :
        { id = "visitor-objects-expire", prefix = "visitors/", days = days } if days != null
      ],
    )
    models    = []
    results   = [{ id = "results-expire", prefix = "submission=", days = var.retention_days.results }]
    site      = [{ id = "posters-expire", prefix = "posters/", days = var.retention_days.posters }]
    artifacts = [{ id = "cluster-logs-expire", prefix = "logs/", days = var.retention_days.cluster_logs }]
  }

  bucket_statements = {
    for kind, arn in local.bucket_arns : kind => concat(
      [
        for required in [var.require_tls] : {
          Sid       = "RefusePlainHttp"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [arn, "${arn}/*"]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        } if required
      ],
      [for statement in local.site_statements : statement if kind == "site"],
    )
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets

  bucket        = each.value
  force_destroy = !var.protect_data
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned_buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = { for kind, statements in local.bucket_statements : kind => statements if length(statements) > 0 }

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })

  # S3 refuses concurrent changes to the access settings of a bucket.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.lifecycle_rules

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "incomplete-uploads-end"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.retention_days.incomplete_uploads
    }
  }

  dynamic "rule" {
    for_each = each.value

    content {
      id     = rule.value.id
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      expiration {
        days = rule.value.days
      }
    }
  }

  dynamic "rule" {
    for_each = contains(local.versioned_buckets, each.key) ? [var.retention_days.noncurrent_versions] : []

    content {
      id     = "noncurrent-versions-expire"
      status = "Enabled"

      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
