# S3 events to SQS are defined here because an S3 event in a SAM template needs the bucket in the
# same template. docs/contracts.md fixes the prefixes and suffixes.
resource "aws_s3_bucket_notification" "ratings" {
  bucket = aws_s3_bucket.this["ratings"].id

  queue {
    id            = "visitor-object-written"
    queue_arn     = aws_sqs_queue.this["visitors"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "visitors/"
    filter_suffix = ".json"
  }
}

resource "aws_s3_bucket_notification" "results" {
  bucket = aws_s3_bucket.this["results"].id

  queue {
    id            = "submission-served"
    queue_arn     = aws_sqs_queue.this["results"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_suffix = "_SUCCESS"
  }
}
