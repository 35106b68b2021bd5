mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "roles" {
  command = plan

  assert {
    condition = toset(flatten([
      for name, policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : [for action in flatten([statement.Action]) : "${name} ${action}"]
        if statement.Effect == "Allow" && contains(flatten([statement.Resource]), "*")
      ]
      ])) == toset(concat(
      flatten([for name in ["ingest", "submit-step", "queue-results", "send-text", "reconcile"] : ["${name} xray:PutTraceSegments", "${name} xray:PutTelemetryRecords"]]),
      ["send-text sns:Publish", "send-text sns:CheckIfPhoneNumberIsOptedOut"],
    ))
    error_message = "A function may act on every resource beyond the actions that name none (X-Ray, phones)."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.functions), [aws_iam_role_policy.nodes, aws_iam_role_policy.emr_service_passes_role]) : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in flatten([statement.Action]) : action != "*" && !endswith(action, ":*")
        ]
      ]
    ]))
    error_message = "A role is granted every action of a service."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.functions["send-text"].policy).Statement :
      statement.Effect == "Deny" && statement.Action == "sns:Publish" && statement.Resource == "arn:aws:sns:*:*:*"
    ])
    error_message = "send-text may publish to topics, not to phones alone."
  }

  assert {
    condition = toset(flatten([
      for name, policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : name
        if contains(flatten([statement.Resource]), "arn:aws:ssm:eu-west-1:123456789012:parameter/marquee/test/token-secret")
      ]
    ])) == toset(["ingest", "send-text"])
    error_message = "The token secret is readable by more than ingest and send-text."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : flatten([statement.Resource]) == ["arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/j-TESTCLUSTER"]
        if anytrue([for action in flatten([statement.Action]) : startswith(action, "elasticmapreduce:")])
      ]
    ]))
    error_message = "A function may use another cluster than this one."
  }

  assert {
    condition = alltrue([
      for name, policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : statement.Resource
        if anytrue([for action in flatten([statement.Action]) : startswith(action, "logs:")])
      ] == ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/marquee-test-${name}:*"]
    ])
    error_message = "A function may write to another function's log."
  }

  assert {
    condition = toset(flatten([
      for name, policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : name if contains(flatten([statement.Action]), "sqs:SendMessage") && contains(flatten([statement.Resource]), "arn:aws:sqs:eu-west-1:123456789012:marquee-test-texts")
      ]
    ])) == toset(["queue-results", "reconcile"])
    error_message = "Another function than queue-results and reconcile may ask for texts."
  }

  assert {
    condition = toset(flatten([
      for name, policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : name
        if contains(flatten([statement.Action]), "dynamodb:DeleteItem") && contains(flatten([statement.Resource]), "arn:aws:dynamodb:eu-west-1:123456789012:table/marquee-test-visitors")
      ]
    ])) == toset(["ingest", "reconcile"])
    error_message = "Another function than ingest and reconcile may delete visitors."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_role_policy.functions : [
        for statement in jsondecode(policy.policy).Statement : contains([
          "arn:aws:s3:::marquee-test-123456789012-ratings/visitors/*",
          "arn:aws:s3:::marquee-test-123456789012-ratings/submissions/* arn:aws:s3:::marquee-test-123456789012-results/submission=*",
        ], join(" ", sort(flatten([statement.Resource]))))
        if contains(flatten([statement.Action]), "s3:DeleteObject")
      ]
    ]))
    error_message = "A function may delete other objects than those of visitors, submissions and results."
  }

  assert {
    condition = length([
      for statement in jsondecode(aws_iam_role_policy.nodes.policy).Statement : statement
      if anytrue([for resource in flatten([statement.Resource]) : strcontains(resource, "dynamodb") || resource == "*"])
    ]) == 0
    error_message = "The nodes reach more than the buckets."
  }

  assert {
    condition = !anytrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.nodes.policy).Statement : [
        for resource in flatten([statement.Resource]) : startswith(resource, "arn:aws:s3:::marquee-test-123456789012-ratings/visitors")
      ] if contains(flatten([statement.Action]), "s3:PutObject") || contains(flatten([statement.Action]), "s3:DeleteObject")
    ]))
    error_message = "A step could change what visitors sent."
  }

  assert {
    condition     = jsondecode(aws_iam_role.emr_service.assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "123456789012" }
    error_message = "EMR could use the service role for another account."
  }
}

run "every_role_has_the_permissions_boundary" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/marquee-test-boundary"
    log_failed_texts     = true
  }

  assert {
    condition = alltrue([
      for role in concat(
        values(aws_iam_role.functions),
        [aws_iam_role.nodes, aws_iam_role.emr_service],
        aws_iam_role.delivery_status,
      ) :
      role.permissions_boundary == "arn:aws:iam::123456789012:policy/marquee-test-boundary"
    ])
    error_message = "A role can do more than the permissions boundary allows."
  }
}

run "while_the_cluster_is_renewed_the_functions_reach_both" {
  command = plan

  variables {
    former_cluster_ids = ["j-FORMER"]
  }

  assert {
    condition = alltrue(flatten([
      for name in ["submit-step", "reconcile"] : [
        for statement in jsondecode(aws_iam_role_policy.functions[name].policy).Statement :
        toset(flatten([statement.Resource])) == toset([
          for id in ["j-TESTCLUSTER", "j-FORMER"] : "arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/${id}"
        ])
        if anytrue([for action in flatten([statement.Action]) : startswith(action, "elasticmapreduce:")])
      ]
    ]))
    error_message = "A function cannot reach the cluster that is being replaced, or reaches others."
  }

  assert {
    condition     = aws_ssm_parameter.this["former-cluster-ids"].value == "j-FORMER"
    error_message = "The functions do not know which cluster is being replaced."
  }
}
