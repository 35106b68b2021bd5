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

run "without_a_domain_of_its_own_the_certificate_is_cloudfronts" {
  command = plan

  assert {
    condition = (
      length(aws_cloudfront_distribution.site[0].aliases) == 0
      && one(aws_cloudfront_distribution.site[0].viewer_certificate).cloudfront_default_certificate
      && output.site_distribution_domain == "d1.cloudfront.net"
    )
    error_message = "The site does not answer under CloudFront's own name."
  }
}

run "a_domain_of_its_own" {
  command = plan

  variables {
    site_domain          = "movies.example.com"
    site_certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = output.site_url == "https://movies.example.com/" && aws_ssm_parameter.this["site-url"].value == "https://movies.example.com/"
    error_message = "Texts would not link to the site's own domain."
  }

  assert {
    condition = (
      aws_cloudfront_distribution.site[0].aliases == toset(["movies.example.com"])
      && one(aws_cloudfront_distribution.site[0].viewer_certificate).acm_certificate_arn == var.site_certificate_arn
      && one(aws_cloudfront_distribution.site[0].viewer_certificate).ssl_support_method == "sni-only"
      && one(aws_cloudfront_distribution.site[0].viewer_certificate).minimum_protocol_version == "TLSv1.2_2021"
      && !one(aws_cloudfront_distribution.site[0].viewer_certificate).cloudfront_default_certificate
    )
    error_message = "The distribution does not answer for the domain with its certificate, TLS 1.2 and later."
  }

  assert {
    condition     = output.site_distribution_domain == "d1.cloudfront.net"
    error_message = "Nothing says what the DNS record has to point to."
  }
}

run "a_domain_without_a_certificate_is_refused" {
  command = plan

  variables {
    site_domain = "movies.example.com"
  }
  expect_failures = [var.site_domain]
}

run "a_certificate_without_a_domain_is_refused" {
  command = plan

  variables {
    site_certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }
  expect_failures = [var.site_domain]
}

run "a_certificate_of_another_region_is_refused" {
  command = plan

  variables {
    site_domain          = "movies.example.com"
    site_certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }
  expect_failures = [var.site_certificate_arn]
}

run "an_address_is_no_domain" {
  command = plan

  variables {
    site_domain          = "https://movies.example.com/"
    site_certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }
  expect_failures = [var.site_domain]
}

run "nobody_is_named_and_the_periods_are_the_defaults" {
  command = plan

  assert {
    condition     = alltrue([for value in values(jsondecode(aws_ssm_parameter.this["operator"].value)) : value == null])
    error_message = "The site would name an operator whom no variable names."
  }

  assert {
    condition = jsondecode(aws_ssm_parameter.this["retention"].value) == {
      batch_days = 3, log_days = 30, backup_days = 35, failed_text_days = null
    }
    error_message = "The site would state other periods than those of the buckets, logs and backups."
  }
}

run "the_operator_and_the_periods_are_those_of_the_variables" {
  command = plan

  variables {
    operator         = { name = "Kino Ärger & Söhne", contact = "https://example.com/contact?a=b" }
    retention_days   = { results = 4, function_logs = 90 }
    log_failed_texts = true
  }

  assert {
    condition = jsondecode(aws_ssm_parameter.this["operator"].value) == {
      name = "Kino Ärger & Söhne", contact = "https://example.com/contact?a=b", privacy_url = null, terms_url = null
    }
    error_message = "The site would name another operator than the variables."
  }

  assert {
    condition = jsondecode(aws_ssm_parameter.this["retention"].value) == {
      batch_days = 5, log_days = 90, backup_days = 35, failed_text_days = 1
    }
    error_message = "The site would state other periods than those of the buckets, logs and backups."
  }
}
