mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = aws_cloudfront_cache_policy.config[0]
  override_during = plan
  values          = { id = "never-cached" }
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "cloudfront_on_aws" {
  command = plan

  assert {
    condition     = output.site_url == "https://d1.cloudfront.net/" && aws_ssm_parameter.this["site-url"].value == "https://d1.cloudfront.net/"
    error_message = "The site's address is not CloudFront's."
  }

  assert {
    condition     = length(aws_s3_bucket_website_configuration.site) == 0
    error_message = "The bucket would serve the site without HTTPS as well."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.this["site"].policy).Statement : statement if statement.Effect == "Allow"
      ] == [{
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::marquee-test-123456789012-site/*"
        Condition = { StringEquals = { "aws:SourceArn" = "arn:aws:cloudfront::123456789012:distribution/TESTDISTRIBUTION" } }
    }]
    error_message = "Somebody but this one distribution may read the site bucket."
  }

  assert {
    condition = (
      one(aws_cloudfront_distribution.site[0].default_cache_behavior).viewer_protocol_policy == "redirect-to-https"
      && alltrue([for behaviour in aws_cloudfront_distribution.site[0].ordered_cache_behavior : behaviour.viewer_protocol_policy == "redirect-to-https"])
    )
    error_message = "The site can be read over plain HTTP."
  }

  assert {
    condition = anytrue([
      for behaviour in aws_cloudfront_distribution.site[0].ordered_cache_behavior :
      behaviour.path_pattern == "/config.json" && behaviour.cache_policy_id == "never-cached"
    ]) && aws_cloudfront_cache_policy.config[0].max_ttl == 0
    error_message = "config.json is cached: a moved API would not be found."
  }

  assert {
    condition     = aws_cloudfront_distribution.site[0].default_root_object == "index.html"
    error_message = "The bare address shows no page."
  }

  assert {
    condition = {
      for answer in aws_cloudfront_distribution.site[0].custom_error_response : tostring(answer.error_code) => [tostring(answer.response_code), answer.response_page_path]
    } == { "403" = ["404", "/404.html"], "404" = ["404", "/404.html"] }
    error_message = "An address that is not there shows something else than 404.html."
  }

  assert {
    condition = (
      startswith(local.content_security_policy, "default-src 'self'; connect-src 'self' https://*.execute-api.eu-west-1.amazonaws.com;")
      && !strcontains(local.content_security_policy, "unsafe")
      && one(one(aws_cloudfront_response_headers_policy.site[0].security_headers_config).content_security_policy).content_security_policy == local.content_security_policy
    )
    error_message = "The content security policy lets in more than the site and its API."
  }

  assert {
    condition = (
      one(one(aws_cloudfront_response_headers_policy.site[0].security_headers_config).frame_options).frame_option == "DENY"
      && one(one(aws_cloudfront_response_headers_policy.site[0].security_headers_config).referrer_policy).referrer_policy == "no-referrer"
      && one(one(aws_cloudfront_response_headers_policy.site[0].security_headers_config).strict_transport_security).access_control_max_age_sec >= 31536000
      && length(one(aws_cloudfront_response_headers_policy.site[0].security_headers_config).content_type_options) == 1
    )
    error_message = "A security header is missing."
  }
}
