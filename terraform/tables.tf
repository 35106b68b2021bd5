# On-demand billing suits the load: a handful of visitors, then a burst. Point-in-time recovery
# reaches back 35 days; the page says so to a visitor who asks to be forgotten.
locals {
  table_schemas = {
    movies = {
      partition_key = "dataset"
      sort_key      = "movie_id"
      attributes    = { dataset = "S", movie_id = "N" }
      ttl           = null
    }
    visitors = {
      partition_key = "visitor_id"
      sort_key      = null
      attributes = {
        visitor_id  = "S"
        open_status = "S"
        status_at   = "S"
        forget_on   = "S"
        forget_at   = "N"
      }
      # A safety net: DynamoDB deletes an item that is still there a week after the sweep should
      # have forgotten the visitor with all objects.
      ttl = "expires_at"
    }
    idempotency = {
      partition_key = "id"
      sort_key      = null
      attributes    = { id = "S" }
      ttl           = "expiration"
    }
    # Lists that visitors shared by a link.
    lists = {
      partition_key = "list_id"
      sort_key      = null
      attributes    = { list_id = "S" }
      ttl           = "expires_at"
    }
  }
}

locals {
  table_indexes = {
    movies = {}
    visitors = {
      # Visitors whose request is not finished, oldest first; reconcile reads it.
      open = {
        partition_key = "open_status"
        sort_key      = "status_at"
        more          = ["submission_id", "version"]
      }
      # Visitors by the day on which they expire; reconcile forgets them.
      expiry = {
        partition_key = "forget_on"
        sort_key      = "forget_at"
        more          = null
      }
    }
    idempotency = {}
    lists       = {}
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.table_schemas

  name                        = local.tables[each.key]
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partition_key
  range_key                   = each.value.sort_key
  deletion_protection_enabled = var.protect_data

  dynamic "attribute" {
    for_each = each.value.attributes

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.table_indexes[each.key]

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.partition_key
      range_key          = global_secondary_index.value.sort_key
      projection_type    = global_secondary_index.value.more == null ? "KEYS_ONLY" : "INCLUDE"
      non_key_attributes = global_secondary_index.value.more
    }
  }

  dynamic "ttl" {
    for_each = each.value.ttl == null ? [] : [each.value.ttl]

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  # The AWS managed KMS key instead of DynamoDB's own, so that CloudTrail records who decrypted a
  # phone number.
  server_side_encryption {
    enabled = true
  }
}
