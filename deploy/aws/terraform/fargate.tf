resource "aws_api_gateway_vpc_link" "this" {
  count       = local.fargate ? 1 : 0
  name        = var.name
  target_arns = [aws_lb.this[0].arn]
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:A network load balancer logs TLS listeners alone. The gateway's access log has every request.
  #checkov:skip=CKV2_AWS_20:This is a network load balancer. Its traffic comes from the gateway, which accepts only TLS from clients.
  #checkov:skip=CKV_AWS_150:Nothing is lost with it, and terraform destroy is to work.
  count              = local.fargate ? 1 : 0
  name               = var.name
  load_balancer_type = "network"
  internal           = true
  subnets            = local.subnet_ids
  security_groups    = [aws_security_group.load_balancer[0].id]

  # What comes through the link has no security group; nothing else is let in.
  enforce_security_group_inbound_rules_on_private_link_traffic = "off"

  enable_cross_zone_load_balancing = true
}

resource "aws_security_group" "load_balancer" {
  count       = local.fargate ? 1 : 0
  name_prefix = "${var.name}-load-balancer-"
  description = "Load balancer of JWT Generator, reached by its VPC link alone"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  count                        = local.fargate ? 1 : 0
  security_group_id            = aws_security_group.load_balancer[0].id
  description                  = "Requests and health checks"
  ip_protocol                  = "tcp"
  from_port                    = 3000
  to_port                      = 3000
  referenced_security_group_id = aws_security_group.tasks[0].id
}

resource "aws_security_group" "tasks" {
  count       = local.fargate ? 1 : 0
  name_prefix = "${var.name}-tasks-"
  description = "Tasks of JWT Generator"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  count                        = local.fargate ? 1 : 0
  security_group_id            = aws_security_group.tasks[0].id
  description                  = "Requests and health checks"
  ip_protocol                  = "tcp"
  from_port                    = 3000
  to_port                      = 3000
  referenced_security_group_id = aws_security_group.load_balancer[0].id
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  for_each          = { for name, ports in { AWS = [443, 443], MongoDB = [27015, 27017] } : name => ports if local.fargate }
  security_group_id = aws_security_group.tasks[0].id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = each.value[0]
  to_port           = each.value[1]
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_lb_target_group" "this" {
  count                = local.fargate ? 1 : 0
  name                 = var.name
  vpc_id               = local.vpc_id
  target_type          = "ip"
  protocol             = "TCP"
  port                 = 3000
  deregistration_delay = 30

  health_check {
    protocol            = "HTTP"
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "this" {
  count             = local.fargate ? 1 : 0
  load_balancer_arn = aws_lb.this[0].arn
  protocol          = "TCP"
  port              = 80

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[0].arn
  }
}

resource "aws_ecs_cluster" "this" {
  count = local.fargate ? 1 : 0
  name  = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  count                    = local.fargate ? 1 : 0
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task_cpu
  memory                   = var.task_memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.service[0].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([{
    name                   = "jwt-generator"
    image                  = var.image
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    # The service takes nine seconds at most after SIGTERM.
    stopTimeout = 15
    # Fails until the keys are loaded. With the address the command reads no settings, so no secrets.
    healthCheck = {
      command     = ["CMD", "/usr/bin/jwt-generator", "healthcheck", "--started", "--url", "http://127.0.0.1:3000"]
      interval    = 10
      timeout     = 6
      retries     = 3
      startPeriod = 120
    }
    ulimits      = [{ name = "nofile", softLimit = 65535, hardLimit = 65535 }]
    portMappings = [{ containerPort = 3000, protocol = "tcp" }]
    # No secrets: these would be values in the environment. The service reads what is named there.
    environment = [for name in sort(keys(local.task_environment)) : { name = name, value = local.task_environment[name] }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.service[0].name
        awslogs-region        = local.region
        awslogs-stream-prefix = "task"
        # A log that cannot be written holds no request up.
        mode            = "non-blocking"
        max-buffer-size = "25m"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  count                              = local.fargate ? 1 : 0
  name                               = var.name
  cluster                            = aws_ecs_cluster.this[0].arn
  task_definition                    = aws_ecs_task_definition.this[0].arn
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  desired_count                      = var.min_tasks
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 120
  enable_execute_command             = false
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    assign_public_ip = false
    security_groups  = [aws_security_group.tasks[0].id]
    subnets          = local.subnet_ids
  }

  load_balancer {
    container_name   = "jwt-generator"
    container_port   = 3000
    target_group_arn = aws_lb_target_group.this[0].arn
  }

  lifecycle {
    # Autoscaling sees to it.
    ignore_changes = [desired_count]
  }

  # Without these the first tasks could neither start nor reach anything.
  depends_on = [
    aws_lb_listener.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.service,
    aws_iam_role_policy.signing_keys,
    aws_route.private_default,
    aws_route_table_association.private,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.tasks,
    aws_vpc_security_group_ingress_rule.tasks,
    aws_vpc_security_group_egress_rule.load_balancer,
  ]
}

resource "aws_appautoscaling_target" "this" {
  count              = local.fargate ? 1 : 0
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this[0].name}/${aws_ecs_service.this[0].name}"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
}

resource "aws_appautoscaling_policy" "cpu" {
  count              = local.fargate ? 1 : 0
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# --- What starts the task: it pulls the image and writes the log. What the service may do is in role.tf.

resource "aws_iam_role" "execution" {
  count       = local.fargate ? 1 : 0
  name_prefix = "${var.name}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "execution" {
  count = local.fargate ? 1 : 0
  name  = "start"
  role  = aws_iam_role.execution[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:${local.partition}:ecr:*:${local.account}:repository/*"
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/service:*"
      },
    ]
  })
}
