# The site is served from its bucket by CloudFront on AWS, because S3 website hosting has no HTTPS,
# and by S3 website hosting on a laptop, which has no CloudFront.
locals {
  cloudfront = var.site_hosting == "cloudfront"
  site_url = (
    local.cloudfront
    ? "https://${coalesce(var.site_domain, one(aws_cloudfront_distribution.site[*].domain_name))}/"
    : "http://${local.buckets.site}.${coalesce(var.website_endpoint, "s3-website-unset")}/"
  )

  site_statements = concat(
    [
      for distribution_arn in aws_cloudfront_distribution.site[*].arn : {
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${local.bucket_arns.site}/*"
        Condition = { StringEquals = { "aws:SourceArn" = distribution_arn } }
      }
    ],
    [
      # S3 on AWS never sees a request from the loopback range, so this policy is not public: the
      # public access block accepts it, and if it is applied to AWS by mistake, it opens nothing.
      for loopback in ["127.0.0.0/8"] : {
        Sid       = "LoopbackReads"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "${local.bucket_arns.site}/*"
        Condition = { IpAddress = { "aws:SourceIp" = loopback } }
      } if !local.cloudfront
    ],
  )

  content_security_policy = join("; ", [
    "default-src 'self'",
    "connect-src 'self' https://*.execute-api.${var.region}.amazonaws.com",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ])
}

resource "aws_s3_bucket_website_configuration" "site" {
  count = local.cloudfront ? 0 : 1

  bucket = aws_s3_bucket.this["site"].id

  index_document {
    suffix = "index.html"
  }

  error_document {
    key = "404.html"
  }
}

resource "aws_cloudfront_origin_access_control" "site" {
  count = local.cloudfront ? 1 : 0

  name                              = "${local.name}-site"
  description                       = "Signs CloudFront's reads of the site bucket of ${local.name}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_cache_policy" "site" {
  count = local.cloudfront ? 1 : 0

  name        = "${local.name}-site"
  comment     = "An object's own Cache-Control decides; five minutes without one"
  min_ttl     = 0
  default_ttl = 300
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_cache_policy" "config" {
  count = local.cloudfront ? 1 : 0

  name        = "${local.name}-config"
  comment     = "Never cached: config.json names the API, which a deployment may move"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 0

  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "site" {
  count = local.cloudfront ? 1 : 0

  name    = "${local.name}-site"
  comment = "Security headers of the site of ${local.name}"

  security_headers_config {
    content_security_policy {
      content_security_policy = local.content_security_policy
      override                = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      # The link in a text contains the visitor's token, which no other site may learn.
      referrer_policy = "no-referrer"
      override        = true
    }
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "site" {
  count = local.cloudfront ? 1 : 0

  comment             = "Site of ${local.name}"
  enabled             = true
  aliases             = var.site_domain == null ? [] : [var.site_domain]
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  default_root_object = "index.html"
  price_class         = var.cloudfront_price_class
  wait_for_deployment = false

  origin {
    origin_id                = "site-bucket"
    domain_name              = aws_s3_bucket.this["site"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site[0].id
  }

  default_cache_behavior {
    target_origin_id           = "site-bucket"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.site[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site[0].id
  }

  ordered_cache_behavior {
    path_pattern               = "/config.json"
    target_origin_id           = "site-bucket"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.config[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site[0].id
  }

  # CloudFront may not list the bucket, so S3 answers 403 for an object that does not exist.
  dynamic "custom_error_response" {
    for_each = [403, 404]

    content {
      error_code            = custom_error_response.value
      response_code         = 404
      response_page_path    = "/404.html"
      error_caching_min_ttl = 10
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    # CloudFront's default certificate allows TLS 1.0 and no other minimum; with a custom
    # certificate the minimum can be set (CloudFront Developer Guide, "Supported protocols and
    # ciphers").
    cloudfront_default_certificate = var.site_certificate_arn == null
    acm_certificate_arn            = var.site_certificate_arn
    ssl_support_method             = var.site_certificate_arn == null ? null : "sni-only"
    minimum_protocol_version       = var.site_certificate_arn == null ? null : "TLSv1.2_2021"
  }
}
