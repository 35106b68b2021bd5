mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "tables" {
  command = plan

  assert {
    condition = { for kind, table in aws_dynamodb_table.this : kind => join(" ", compact([table.hash_key, table.range_key])) } == {
      movies = "dataset movie_id", visitors = "visitor_id", idempotency = "id", lists = "list_id"
    }
    error_message = "A table has another key than docs/contracts.md gives it."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PAY_PER_REQUEST" && table.deletion_protection_enabled])
    error_message = "A table is not on demand, or can be deleted."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : one(table.server_side_encryption).enabled && one(table.point_in_time_recovery).enabled])
    error_message = "A table is not encrypted with a key in KMS, or cannot be restored."
  }

  assert {
    condition = { for kind, table in aws_dynamodb_table.this : kind => join(" ", [for ttl in table.ttl : ttl.attribute_name if ttl.enabled]) } == {
      movies = "", visitors = "expires_at", idempotency = "expiration", lists = "expires_at"
    }
    error_message = "Visitors, idempotency records and shared lists expire, movies do not."
  }

  assert {
    condition = toset([for index in aws_dynamodb_table.this["visitors"].global_secondary_index : join(" ", concat([index.name, index.hash_key, index.range_key, index.projection_type], sort(coalesce(index.non_key_attributes, []))))]) == toset([
      "open open_status status_at INCLUDE submission_id version",
      "expiry forget_on forget_at KEYS_ONLY",
    ])
    error_message = "The indexes of visitors are not those of docs/contracts.md; above all they hold no phone."
  }
}
