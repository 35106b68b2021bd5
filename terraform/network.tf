# A network for the cluster only. Its nodes have public addresses but no rule for inbound traffic
# from the internet; docs/decisions/0002-terraform.md says why there is no NAT gateway.
locals {
  # EMR's managed service policy allows changes only to resources with this tag.
  emr_tag = { "for-use-with-amazon-emr-managed-policies" = "true" }

  # A cluster of one node has no core nodes, so their type does not matter.
  node_types = merge(
    { primary = var.primary_instance_type },
    local.is_one_node ? {} : { core = var.core_instance_type },
  )

  zones_with_type = merge(
    {
      for node, offered in data.aws_ec2_instance_type_offerings.nodes :
      "${node}_instance_type ${local.node_types[node]}" => toset(offered.locations)
    },
    {
      for type, offered in data.aws_ec2_instance_type_offerings.alternatives :
      "${type} of instance_fleets" => toset(offered.locations)
    },
  )

  # A cluster runs in a single zone, which must offer all its instance types.
  zones_with_all = sort(setintersection(
    concat([toset(data.aws_availability_zones.available.names)], values(local.zones_with_type))...
  ))

  zone = try(coalesce(var.availability_zone, terraform_data.zone.output), null)

  # The number of a zone's subnet follows from the zone's letter, so a zone that appears or
  # disappears does not move the others.
  letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"]
  fleet_zones = {
    for zone in toset(concat(
      local.has_fleets ? data.aws_availability_zones.available.names : [],
      [for subnet in data.aws_subnet.former_fleets : subnet.availability_zone],
    )) : zone => 1 + index(local.letters, substr(zone, -1, 1))
    if contains(local.letters, substr(zone, -1, 1))
  }

  # The subnets that EMR may choose from: those in the zones that offer all types.
  fleet_subnets = [
    for zone in local.zones_with_all : aws_subnet.fleets[zone].id
    if contains(keys(local.fleet_zones), zone) && (var.availability_zone == null || var.availability_zone == zone)
  ]

  where_types_are = join("; ", [
    for type, zones in local.zones_with_type :
    "${type} is offered in ${join(", ", sort(zones))}${length(zones) == 0 ? "no zone" : ""}"
  ])
}

# AWS does not offer every instance type in every zone.
data "aws_ec2_instance_type_offerings" "nodes" {
  for_each = local.node_types

  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [each.value]
  }
}

data "aws_ec2_instance_type_offerings" "alternatives" {
  for_each = local.alternative_types

  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [each.value]
  }
}

data "aws_availability_zones" "available" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

# Keeps the zone that the first deployment chose. AWS may later offer a type in a zone that sorts
# before it; choosing that one would replace the subnet and the cluster.
resource "terraform_data" "zone" {
  input = try(local.zones_with_all[0], null)

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_vpc" "cluster" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(local.emr_tag, { Name = local.name })
}

# Nothing uses the VPC's default group. Terraform takes it over and removes its rules, so that
# anything put into it by accident has no network access.
resource "aws_default_security_group" "unused" {
  vpc_id  = aws_vpc.cluster.id
  ingress = []
  egress  = []
}

resource "aws_subnet" "cluster" {
  vpc_id                  = aws_vpc.cluster.id
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, 0)
  availability_zone       = local.zone
  map_public_ip_on_launch = true

  tags = merge(local.emr_tag, { Name = "${local.name}-cluster" })

  lifecycle {
    precondition {
      condition     = length(local.zones_with_all) > 0
      error_message = "No zone of ${var.region} offers all instance types of the cluster: ${local.where_types_are}. Set primary_instance_type, core_instance_type and instance_fleets to types that share a zone, or choose another region."
    }

    precondition {
      condition     = length(local.zones_with_all) == 0 || try(contains(local.zones_with_all, local.zone), false)
      error_message = "The cluster cannot run in zone ${coalesce(local.zone, "(none)")}: ${local.where_types_are}. Set availability_zone to one of ${join(", ", local.zones_with_all)}, or to null for a new deployment to choose one by itself."
    }
  }
}

# While `make renew` replaces a cluster of instance fleets, its nodes are still in one of these.
data "aws_subnets" "former_fleets" {
  count = length(var.former_cluster_ids) == 0 ? 0 : 1

  filter {
    name   = "tag:Name"
    values = ["${local.name}-fleets-*"]
  }
}

data "aws_subnet" "former_fleets" {
  for_each = toset(flatten(data.aws_subnets.former_fleets[*].ids))

  id = each.value
}

# A cluster of instance fleets starts in the one of these that EMR finds best.
resource "aws_subnet" "fleets" {
  for_each = local.fleet_zones

  vpc_id                  = aws_vpc.cluster.id
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, each.value)
  availability_zone       = each.key
  map_public_ip_on_launch = true

  tags = merge(local.emr_tag, { Name = "${local.name}-fleets-${each.key}" })
}

resource "aws_internet_gateway" "cluster" {
  vpc_id = aws_vpc.cluster.id

  tags = { Name = local.name }
}

resource "aws_route_table" "cluster" {
  vpc_id = aws_vpc.cluster.id

  tags = { Name = "${local.name}-cluster" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.cluster.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.cluster.id
}

resource "aws_route_table_association" "cluster" {
  subnet_id      = aws_subnet.cluster.id
  route_table_id = aws_route_table.cluster.id
}

resource "aws_route_table_association" "fleets" {
  for_each = aws_subnet.fleets

  subnet_id      = each.value.id
  route_table_id = aws_route_table.cluster.id
}

# With this endpoint, ratings and models travel to and from S3 inside AWS's network, free of charge.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.cluster.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.cluster.id]

  tags = { Name = "${local.name}-s3" }
}

resource "aws_security_group" "primary" {
  name        = "${local.name}-primary"
  description = "Primary node of ${local.name}; EMR adds the rules of its own service"
  vpc_id      = aws_vpc.cluster.id

  # Rules of the two groups refer to each other, and no group can be deleted while a rule refers to
  # it.
  revoke_rules_on_delete = true

  tags = merge(local.emr_tag, { Name = "${local.name}-primary" })
}

resource "aws_security_group" "core" {
  name        = "${local.name}-core"
  description = "Core nodes of ${local.name}; EMR adds the rules of its own service"
  vpc_id      = aws_vpc.cluster.id

  revoke_rules_on_delete = true

  tags = merge(local.emr_tag, { Name = "${local.name}-core" })
}

locals {
  node_groups = { primary = aws_security_group.primary.id, core = aws_security_group.core.id }
}

# All ports, because Spark, YARN and HDFS choose theirs.
resource "aws_vpc_security_group_ingress_rule" "between_nodes" {
  for_each = {
    for pair in setproduct(["primary", "core"], ["primary", "core"]) :
    "${pair[0]}-from-${pair[1]}" => { to = pair[0], from = pair[1] }
  }

  security_group_id            = local.node_groups[each.value.to]
  referenced_security_group_id = local.node_groups[each.value.from]
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset(["primary", "core"])

  description       = "EMR's service, package repositories and S3 have no fixed addresses"
  security_group_id = local.node_groups[each.value]
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
