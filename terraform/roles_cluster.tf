# The role of the EMR service. AWS's scoped policy allows changes only to resources with the tag in
# network.tf.
resource "aws_iam_role" "emr_service" {
  name        = "${local.name}-emr-service"
  description = "EMR starts and stops the nodes of ${local.name}"

  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "elasticmapreduce.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:elasticmapreduce:${var.region}:${local.account_id}:*" }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "emr_service" {
  role       = aws_iam_role.emr_service.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
}

resource "aws_iam_role_policy" "emr_service_passes_role" {
  name = "start-nodes"
  role = aws_iam_role.emr_service.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "GiveNodesTheirRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.nodes.arn
        Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
      }],
      # EC2 needs this role before it sells Spot capacity, and makes it by itself only for requests
      # from the console. AmazonEMRServicePolicy_v2 does not include it.
      [for market in try([var.task_nodes.market], []) : {
        Sid       = "MakeEc2sRoleForSpot"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
        Condition = { StringEquals = { "iam:AWSServiceName" = "spot.amazonaws.com" } }
      } if market == "spot"],
      [for key in aws_kms_key.disks[*].arn : {
        Sid    = "EncryptDisks"
        Effect = "Allow"
        Action = [
          "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
          "kms:GenerateDataKey*", "kms:ReEncrypt*",
        ]
        Resource = key
      }],
    )
  })
}

# The nodes may access what the steps read and write, and nothing else in the account.
locals {
  # `ratings`, `movies` and `tags` are the places of releases without data versions: what they
  # prepared can still be trained on.
  read_prefixes = ["data", "ratings", "movies", "tags", "visitors", "submissions"]
  # Below data/<data set>/<version>/. The steps never change the raw files.
  written_kinds = ["ratings", "movies", "tags", "reports"]
}

resource "aws_iam_role" "nodes" {
  name        = "${local.name}-nodes"
  description = "The steps of ${local.name}"

  permissions_boundary = var.permissions_boundary

  # No condition on the source account: EC2 does not send it when it assumes an instance's role.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "nodes" {
  name = "${local.name}-nodes"
  role = aws_iam_role.nodes.name
}

resource "aws_iam_role_policy" "nodes" {
  name = "steps"
  role = aws_iam_role.nodes.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "SeeWhatIsThere"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
          Resource = [for kind in ["ratings", "models", "results", "artifacts"] : local.bucket_arns[kind]]
        },
        {
          # The folder's name without the slash as well: before EMR's file system (S3A) lists
          # `visitors/`, it requests the key `visitors`. It does the same for each parent of a
          # folder that it writes. For a key that the role may not read, S3 answers 403 even if
          # there is no such key, and S3A takes only 404 to mean absent.
          Sid    = "ReadInputs"
          Effect = "Allow"
          Action = "s3:GetObject"
          Resource = concat(
            flatten([
              for prefix in local.read_prefixes :
              ["${local.bucket_arns.ratings}/${prefix}", "${local.bucket_arns.ratings}/${prefix}/*"]
            ]),
            ["${local.bucket_arns.models}/*", "${local.bucket_arns.results}/submission=*"],
            ["${local.bucket_arns.artifacts}/steps/*", "${local.bucket_arns.artifacts}/bootstrap/*"],
          )
        },
        {
          # Deleting as well: Spark writes under a temporary name and removes what an earlier
          # attempt left. S3A marks an empty folder with an object named <folder>/. EMRFS, to which
          # a cluster can be switched back, marks it with an object next to the folder, named
          # <folder>_$folder$.
          Sid    = "WriteOutputs"
          Effect = "Allow"
          Action = [
            "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
          ]
          Resource = concat(
            [for kind in local.written_kinds : "${local.bucket_arns.ratings}/data/*/${kind}/*"],
            # The folders above these, when they are marked as empty.
            [for above in ["data", "data/*"] : "${local.bucket_arns.ratings}/${above}/"],
            ["${local.bucket_arns.ratings}/data*_$folder$"],
            ["${local.bucket_arns.models}/*", "${local.bucket_arns.results}/submission=*"],
          )
        },
        {
          Sid      = "KeepLogs"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:GetObject"]
          Resource = "${local.bucket_arns.artifacts}/logs/*"
        },
      ],
      [for key in aws_kms_key.disks[*].arn : {
        Sid      = "ReadDisks"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource = key
      }],
    )
  })
}
