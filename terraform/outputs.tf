output "account_id" {
  description = "AWS account of the deployment."
  value       = local.account_id
}

output "region" {
  description = "Region of the deployment."
  value       = var.region
}

output "tags" {
  description = "Tags for the resources that Terraform does not create: the functions' stack and the state bucket."
  value       = local.tags
}

output "buckets" {
  description = "Bucket names by kind: ratings, models, results, site, artifacts."
  value       = { for kind, bucket in aws_s3_bucket.this : kind => bucket.id }
}

output "tables" {
  description = "Table names by kind: movies, visitors, idempotency, lists."
  value       = { for kind, table in aws_dynamodb_table.this : kind => table.name }
}

output "queue_urls" {
  description = "Queue URLs by kind: visitors, results, texts."
  value       = { for kind, queue in aws_sqs_queue.this : kind => queue.url }
}

output "dead_letters" {
  description = "URL and ARN of each dead-letter queue, for redriving."
  value       = { for kind, queue in aws_sqs_queue.dead_letters : kind => { url = queue.url, arn = queue.arn } }
}

output "alarms_topic_arn" {
  description = "SNS topic of all alarms."
  value       = aws_sns_topic.alarms.arn
}

output "cluster_id" {
  description = "EMR cluster that runs the steps."
  value       = aws_emr_cluster.this.id
}

output "site_url" {
  description = "Address of the site, with its final slash."
  value       = local.site_url
}

output "site_distribution_domain" {
  description = "CloudFront's domain name of the site, to which a DNS record of site_domain must point; null without CloudFront."
  value       = one(aws_cloudfront_distribution.site[*].domain_name)
}

output "site_distribution_id" {
  description = "CloudFront distribution to invalidate after publishing; null without CloudFront."
  value       = one(aws_cloudfront_distribution.site[*].id)
}

output "function_role_arns" {
  description = "Execution role of each function."
  value       = { for name, role in aws_iam_role.functions : name => role.arn }
}

output "parameter_prefix" {
  description = "Path of the deployment's SSM parameters."
  value       = local.parameter_prefix
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard of the flow."
  value       = aws_cloudwatch_dashboard.flow.dashboard_name
}
