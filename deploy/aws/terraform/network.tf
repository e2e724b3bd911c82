# Private subnets in two zones, a way out through one NAT gateway, and none in.

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:A zone that AWS adds changes nothing: subnets stay in the zone that they are in.
  state = "available"

  # Local zones have no NAT gateways.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  vpc_id     = local.own_network ? aws_vpc.this[0].id : var.vpc_id
  subnet_ids = local.own_network ? aws_subnet.private[*].id : var.private_subnet_ids
}

resource "aws_vpc" "this" {
  count                = local.own_network ? 1 : 0
  cidr_block           = "10.80.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# Blocks all traffic, so that no resource uses it by mistake.
resource "aws_default_security_group" "this" {
  count  = local.own_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id
}

resource "aws_subnet" "public" {
  count             = local.own_network ? 1 : 0
  vpc_id            = aws_vpc.this[0].id
  availability_zone = data.aws_availability_zones.available.names[0]
  cidr_block        = "10.80.0.0/24"
  tags              = { Name = "${var.name}-public" }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_subnet" "private" {
  count             = local.own_network ? 2 : 0
  vpc_id            = aws_vpc.this[0].id
  availability_zone = data.aws_availability_zones.available.names[count.index]
  cidr_block        = ["10.80.16.0/20", "10.80.32.0/20"][count.index]
  tags              = { Name = "${var.name}-private-${count.index + 1}" }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_internet_gateway" "this" {
  count  = local.own_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id
}

resource "aws_eip" "nat" {
  count      = local.own_network ? 1 : 0
  domain     = "vpc"
  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  count         = local.own_network ? 1 : 0
  subnet_id     = aws_subnet.public[0].id
  allocation_id = aws_eip.nat[0].allocation_id
  depends_on    = [aws_route.public_default, aws_route_table_association.public]
}

resource "aws_route_table" "public" {
  count  = local.own_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id
}

resource "aws_route" "public_default" {
  count                  = local.own_network ? 1 : 0
  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  count          = local.own_network ? 1 : 0
  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_route_table" "private" {
  count  = local.own_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id
}

resource "aws_route" "private_default" {
  count                  = local.own_network ? 1 : 0
  route_table_id         = aws_route_table.private[0].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[0].id
}

resource "aws_route_table_association" "private" {
  count          = local.own_network ? 2 : 0
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}

# Layers of images come from S3. By this way they cost nothing.
resource "aws_vpc_endpoint" "s3" {
  count             = local.own_network ? 1 : 0
  vpc_id            = aws_vpc.this[0].id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private[0].id]
}

resource "aws_flow_log" "this" {
  count                = local.own_network ? 1 : 0
  vpc_id               = aws_vpc.this[0].id
  traffic_type         = "REJECT"
  log_destination_type = "cloud-watch-logs"
  log_destination      = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn         = aws_iam_role.flow_log[0].arn
  depends_on           = [aws_iam_role_policy.flow_log]
}

resource "aws_iam_role" "flow_log" {
  count       = local.own_network ? 1 : 0
  name_prefix = "${var.name}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "flow_log" {
  count = local.own_network ? 1 : 0
  name  = "flow-log"
  role  = aws_iam_role.flow_log[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
      Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/flow:*"
    }]
  })
}
