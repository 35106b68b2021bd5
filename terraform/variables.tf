# ---------------------------------------------------------------------------------------------
# Where
# ---------------------------------------------------------------------------------------------

variable "environment" {
  description = "Name of this deployment; part of every AWS name. \"local\" is the one on this machine."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen, e.g. \"local\" or \"staging\"."
  }
}

variable "region" {
  description = "AWS region of the deployment."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as \"eu-west-1\"."
  }
}

variable "account_id" {
  description = "The only AWS account this may be applied to; null allows the one the credentials belong to."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account, or null."
  }
}

variable "provider_settings" {
  description = "How the AWS provider talks to its endpoint. AWS needs none of these; a local AWS needs all. The endpoint itself comes from AWS_ENDPOINT_URL."
  type = object({
    s3_use_path_style           = optional(bool, false)
    skip_credentials_validation = optional(bool, false)
    skip_metadata_api_check     = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "tags" {
  description = "Tags of all resources; null sets the tags project and environment, by which a bill can be split."
  type        = map(string)
  default     = null

  validation {
    condition     = var.tags == null || alltrue([for key in keys(coalesce(var.tags, {})) : !startswith(lower(key), "aws:")])
    error_message = "tags may not begin with \"aws:\", which AWS keeps for itself."
  }
}

# ---------------------------------------------------------------------------------------------
# Who runs it
# ---------------------------------------------------------------------------------------------

variable "operator" {
  description = "Who runs this deployment, for the people who use it. name: a person or an organisation; the footer, the site's pages on privacy and terms and the consent to be texted name it. contact: an e-mail address or an https address. privacy_url and terms_url: pages of your own, to which the footer then links instead of the site's. What is null is not shown."
  type = object({
    name        = optional(string)
    contact     = optional(string)
    privacy_url = optional(string)
    terms_url   = optional(string)
  })
  default  = {}
  nullable = false

  # Braces are left out because SSM accepts no value with two of them in a row.
  validation {
    condition     = var.operator.name == null || can(regex("^[^\\p{C}\\p{Z}{}]([^\\p{C}\\p{Zl}\\p{Zp}{}]{0,58}[^\\p{C}\\p{Z}{}])?$", var.operator.name))
    error_message = "operator.name is ${jsonencode(var.operator.name)}: it must be 1 to 60 characters in one line, without control characters, braces, or spaces at its ends, e.g. \"Example Cinema\"; or null."
  }

  validation {
    condition = var.operator.contact == null || can(regex(
      "^([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\\.[A-Za-z0-9-]{1,63}){1,3}|https://[A-Za-z0-9.-]{1,100}(/[A-Za-z0-9/._~%?=&#:@!$'()*+,;-]{0,200})?)$",
      var.operator.contact,
    ))
    error_message = "operator.contact is ${jsonencode(var.operator.contact)}: it must be an e-mail address or an https address of at most 300 characters, e.g. \"help@example.com\" or \"https://example.com/contact\"; or null."
  }

  validation {
    condition     = var.operator.privacy_url == null || can(regex("^https://[A-Za-z0-9.-]{1,100}(/[A-Za-z0-9/._~%?=&#:@!$'()*+,;-]{0,200})?$", var.operator.privacy_url))
    error_message = "operator.privacy_url is ${jsonencode(var.operator.privacy_url)}: it must be an https address of at most 300 characters, e.g. \"https://example.com/privacy\"; or null for the site's own page."
  }

  validation {
    condition     = var.operator.terms_url == null || can(regex("^https://[A-Za-z0-9.-]{1,100}(/[A-Za-z0-9/._~%?=&#:@!$'()*+,;-]{0,200})?$", var.operator.terms_url))
    error_message = "operator.terms_url is ${jsonencode(var.operator.terms_url)}: it must be an https address of at most 300 characters, e.g. \"https://example.com/terms\"; or null for the site's own page."
  }
}

# ---------------------------------------------------------------------------------------------
# Keeping and forgetting
# ---------------------------------------------------------------------------------------------

variable "protect_data" {
  description = "Refuse to delete tables and buckets that are not empty. Switch off before destroying a deployment for good."
  type        = bool
  default     = true
  nullable    = false
}

variable "require_tls" {
  description = "Refuse plain HTTP to every bucket. Switch off only if the endpoint itself is http, as on the local AWS."
  type        = bool
  default     = true
  nullable    = false
}

variable "retention_days" {
  description = "Days until objects and logs expire. Results and submissions are deleted when they are collected, so theirs apply to those that never are: at least two days, because visitors wait for up to one. visitor_objects null keeps visitors' ratings as training data until they are forgotten. posters and noncurrent_versions together must stay within six months, the longest that TMDB allows its content to be kept."
  type = object({
    results             = optional(number, 2)
    submissions         = optional(number, 2)
    visitor_objects     = optional(number)
    cluster_logs        = optional(number, 30)
    posters             = optional(number, 150)
    function_logs       = optional(number, 30)
    noncurrent_versions = optional(number, 30)
    incomplete_uploads  = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.retention_days) : days == null || try(days >= 1 && floor(days) == days, false)])
    error_message = "retention_days must contain whole numbers of days from 1 up; only visitor_objects may be null."
  }

  validation {
    condition     = min(var.retention_days.results, var.retention_days.submissions) >= 2
    error_message = "retention_days.results and .submissions must be at least 2: a submission is retried for a day (GiveUpHours)."
  }

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.retention_days.function_logs,
    )
    error_message = "retention_days.function_logs must be one of the periods CloudWatch Logs offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

# ---------------------------------------------------------------------------------------------
# Site
# ---------------------------------------------------------------------------------------------

variable "site_hosting" {
  description = "What serves the site: \"cloudfront\" (HTTPS, AWS) or \"website\" (S3 website hosting over http, for a laptop: only the loopback may read it)."
  type        = string
  default     = "cloudfront"

  validation {
    condition     = contains(["cloudfront", "website"], var.site_hosting)
    error_message = "site_hosting must be \"cloudfront\" or \"website\"."
  }

  validation {
    condition     = var.site_hosting != "website" || var.website_endpoint != null
    error_message = "site_hosting \"website\" needs website_endpoint, the host and port that serve website buckets, e.g. \"s3-website.localhost:4566\"."
  }
}

variable "website_endpoint" {
  description = "Host and port at which website buckets are served; only for site_hosting \"website\"."
  type        = string
  default     = null

  validation {
    condition     = var.website_endpoint == null || can(regex("^[a-z0-9.-]+(:[0-9]{1,5})?$", var.website_endpoint))
    error_message = "website_endpoint must be host or host:port without a scheme, e.g. \"s3-website.localhost:4566\"."
  }
}

variable "site_domain" {
  description = "Domain name of your own for the site, e.g. \"movies.example.com\"; texts link to it. Needs site_certificate_arn and a DNS record that points to the output site_distribution_domain. null: CloudFront's own name."
  type        = string
  default     = null

  validation {
    condition     = var.site_domain == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$", var.site_domain))
    error_message = "site_domain must be a domain name in lower case without scheme, port or path, e.g. \"movies.example.com\"."
  }

  validation {
    condition     = (var.site_domain == null) == (var.site_certificate_arn == null)
    error_message = "site_domain and site_certificate_arn go together: give both, or neither."
  }

  validation {
    condition     = var.site_domain == null || var.site_hosting == "cloudfront"
    error_message = "site_domain needs site_hosting \"cloudfront\": S3 website hosting has no HTTPS."
  }
}

variable "site_certificate_arn" {
  description = "ARN of the ACM certificate that covers site_domain, issued in us-east-1: CloudFront accepts certificates of no other region."
  type        = string
  default     = null

  validation {
    condition     = var.site_certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$", var.site_certificate_arn))
    error_message = "site_certificate_arn must be the ARN of an ACM certificate in us-east-1, e.g. \"arn:aws:acm:us-east-1:123456789012:certificate/…\": CloudFront accepts certificates of no other region."
  }
}

variable "cloudfront_price_class" {
  description = "Regions in which CloudFront has edge locations for the site: PriceClass_100 (North America, Europe), _200 or _All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.cloudfront_price_class)
    error_message = "cloudfront_price_class must be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

# ---------------------------------------------------------------------------------------------
# Queues
# ---------------------------------------------------------------------------------------------

variable "queue_visibility_seconds" {
  description = "Seconds a message stays hidden while a function works on it. At least six times the function's timeout plus its batching window, so that Lambda can retry throttled batches before SQS delivers them again."
  type = object({
    visitors = optional(number, 390)
    results  = optional(number, 360)
    texts    = optional(number, 360)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for seconds in values(var.queue_visibility_seconds) : seconds >= 1 && seconds <= 43200])
    error_message = "queue_visibility_seconds must be 1 to 43200 seconds (SQS allows 12 hours) for each queue."
  }
}

variable "max_receive_count" {
  description = "How often a message is delivered before it becomes a dead letter. AWS advises 5 or more for Lambda, whose throttled polls count too."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number from 1 to 1000."
  }
}

# ---------------------------------------------------------------------------------------------
# Network
# ---------------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Address range of the cluster's VPC; each subnet is a sixteenth of it."
  type        = string
  default     = "10.72.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 4, 0)) && can(regex("/(1[6-9]|2[0-4])$", var.vpc_cidr))
    error_message = "vpc_cidr must be an IPv4 range from /16 to /24, e.g. \"10.72.0.0/20\"."
  }
}

variable "availability_zone" {
  description = "Zone of the cluster; null chooses the first that offers its instance types. With instance_fleets, null lets EMR choose among all zones that offer them."
  type        = string
  default     = null

  validation {
    condition     = var.availability_zone == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", var.availability_zone))
    error_message = "availability_zone must be a zone such as \"us-east-1b\", or null."
  }
}

# ---------------------------------------------------------------------------------------------
# Cluster
# ---------------------------------------------------------------------------------------------

variable "release_label" {
  description = "EMR release. emr-spark-8.1.0 has Spark 4.1.1 and Python 3.13, with which the tests run; supported until 7 September 2029."
  type        = string
  default     = "emr-spark-8.1.0"

  validation {
    condition     = can(regex("^emr-spark-8\\.[0-9]+\\.[0-9]+$", var.release_label))
    error_message = "release_label must be an EMR release with Spark 4 such as \"emr-spark-8.1.0\". The steps do not run on an emr-7 release, which has Spark 3.5 and no Python 3.13."
  }
}

variable "cluster_python" {
  description = "The nodes' Python for Spark. Null leaves the choice to the cluster; a local cluster has its own."
  type        = string
  default     = "/usr/bin/python3.13"

  validation {
    condition     = var.cluster_python == null || can(regex("^/.+/python3(\\.[0-9]+)?$", var.cluster_python))
    error_message = "cluster_python must be the absolute path of a Python 3, or null."
  }
}

variable "primary_instance_type" {
  description = "Instance type of the primary node, which runs every step's driver."
  type        = string
  default     = "m7g.xlarge"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", var.primary_instance_type))
    error_message = "primary_instance_type must be an EC2 instance type such as \"m7g.xlarge\"; see `aws emr list-supported-instance-types`."
  }
}

variable "core_instance_type" {
  description = "Instance type of the core nodes, which run the executors, and of task nodes. Same processor architecture as the primary node, for which the wheels are chosen."
  type        = string
  default     = "m7g.xlarge"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", var.core_instance_type))
    error_message = "core_instance_type must be an EC2 instance type such as \"m7g.xlarge\"; see `aws emr list-supported-instance-types`."
  }
}

variable "core_instance_count" {
  description = "Number of core nodes. 0 makes a cluster of one node, for small data: Spark runs in one process on the primary node, without executors. A change from or to 0 replaces the cluster, as does every change with instance_fleets."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.core_instance_count >= 0 && var.core_instance_count <= 100 && floor(var.core_instance_count) == var.core_instance_count
    error_message = "core_instance_count is ${var.core_instance_count}: it must be a whole number from 0 (the primary node alone) to 100."
  }
}

variable "instance_fleets" {
  description = "Start the cluster from instance fleets, so that one type that is out of stock stops nothing: for each kind of node, the types that may stand in for primary_instance_type and core_instance_type, of the same architecture and with as many processors. EMR takes the cheapest that it gets, in the zone that suits best. Null starts exactly the two types, in one zone (instance groups). Any change replaces the cluster."
  type = object({
    primary = optional(list(string), [])
    core    = optional(list(string), [])
  })
  default = null

  validation {
    condition = alltrue([
      for type in flatten(values(coalesce(var.instance_fleets, { primary = [], core = [] }))) :
      can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", type))
    ])
    error_message = "instance_fleets.primary and .core must list EC2 instance types such as \"m6g.xlarge\"; see `aws emr list-supported-instance-types`."
  }

  validation {
    condition = alltrue([
      for types in [
        concat([var.primary_instance_type], try(var.instance_fleets.primary, [])),
        concat([var.core_instance_type], try(var.instance_fleets.core, [])),
      ] : length(types) == length(distinct(types)) && length(types) <= 30
    ])
    error_message = "instance_fleets.primary and .core must each list at most 29 types, each once and without primary_instance_type or core_instance_type, which are part of the fleets already."
  }
}

variable "task_nodes" {
  description = "Task nodes of the core nodes' types, between minimum and maximum as EMR's managed scaling sees work for them; null has none. market \"spot\" buys spare capacity, cheaper and withdrawn at any time: a step then continues on the other nodes. Needs instance_fleets. Task nodes that were removed come back only with a new cluster (`make renew`)."
  type = object({
    minimum = optional(number, 0)
    maximum = number
    market  = optional(string, "spot")
  })
  default = null

  validation {
    condition = var.task_nodes == null || try(
      var.task_nodes.minimum >= 0 && var.task_nodes.maximum >= max(1, var.task_nodes.minimum) && var.task_nodes.maximum <= 100
      && floor(var.task_nodes.minimum) == var.task_nodes.minimum && floor(var.task_nodes.maximum) == var.task_nodes.maximum,
      false,
    )
    error_message = "task_nodes.minimum and .maximum must be whole numbers from 0 to 100, maximum at least 1 and not below minimum."
  }

  validation {
    condition     = contains(["spot", "on_demand"], try(coalesce(var.task_nodes.market, "none"), "spot"))
    error_message = "task_nodes.market must be \"spot\" or \"on_demand\"."
  }

  validation {
    condition     = var.task_nodes == null || var.instance_fleets != null
    error_message = "task_nodes needs instance_fleets: in an instance group, a Spot node that is out of stock would stop the deployment for 30 minutes. Set instance_fleets, e.g. to { core = [\"m6g.xlarge\"] }, or task_nodes = null."
  }

  validation {
    condition     = var.task_nodes == null || var.core_instance_count > 0
    error_message = "task_nodes needs core nodes: with core_instance_count = 0, Spark runs on the primary node only and would never use them. Set core_instance_count to 1 or more, or task_nodes = null."
  }
}

variable "disk_gib" {
  description = "Disk of every node: the root volume (gp3) and one data volume (gp3) for HDFS and shuffles."
  type = object({
    root = optional(number, 30)
    data = optional(number, 64)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.disk_gib.root >= 15 && var.disk_gib.root <= 100 && var.disk_gib.data >= 10 && var.disk_gib.data <= 16384
    error_message = "disk_gib.root must be 15 to 100 (EMR's range), disk_gib.data 10 to 16384."
  }
}

variable "encrypt_disks" {
  description = "Encrypt the nodes' disks with a KMS key of its own (about a dollar a month)."
  type        = bool
  default     = true
  nullable    = false
}

variable "idle_timeout_minutes" {
  description = "Idle minutes after which the cluster is terminated; null keeps it. The flow needs a running cluster: visitors wait while there is none."
  type        = number
  default     = null

  validation {
    condition     = var.idle_timeout_minutes == null || try(var.idle_timeout_minutes >= 1 && var.idle_timeout_minutes <= 10080, false)
    error_message = "idle_timeout_minutes must be 1 to 10080 (seven days), or null."
  }

  # AWS's documents say that termination protection holds against users, API calls and errors, and
  # that a protected cluster still ends after its last step. They do not say whether protection or
  # the idle timeout wins (API_SetTerminationProtection and emr-auto-termination-policy), so the two
  # are not allowed together.
  validation {
    condition     = var.idle_timeout_minutes == null || !var.termination_protection
    error_message = "idle_timeout_minutes (${coalesce(var.idle_timeout_minutes, 0)}) and termination_protection = true contradict each other, and AWS does not document which one wins. Set termination_protection = false for a cluster that ends when idle, or idle_timeout_minutes = null for one that stays."
  }

  # EMR calls a cluster idle that has no active YARN application and no pending step (Management
  # Guide, "Using an auto-termination policy"). With one node, a running step is neither.
  validation {
    condition     = var.idle_timeout_minutes == null || var.core_instance_count > 0
    error_message = "idle_timeout_minutes (${coalesce(var.idle_timeout_minutes, 0)}) does not work with core_instance_count = 0: EMR would take a running step for idle time and end it. Set core_instance_count to 1 or more, or idle_timeout_minutes = null."
  }
}

variable "termination_protection" {
  description = "Refuse to terminate the cluster, by hand or by Terraform. `make renew` makes changes that replace it."
  type        = bool
  default     = true
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of every role; null sets none. `make deployer-policy BOUNDARY=1` prints one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, such as \"arn:aws:iam::123456789012:policy/marquee-staging-boundary\", or null."
  }
}

variable "former_cluster_ids" {
  description = "Clusters that finish their steps while a new one takes over; set only by `make renew`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.former_cluster_ids : can(regex("^j-[0-9A-Z]+$", id))])
    error_message = "former_cluster_ids must be ids of EMR clusters, such as \"j-2AXXXXXXGAPLF\"."
  }
}

variable "driver_memory_share" {
  description = "Share of the primary node's memory that a step's driver gets as its heap, at most 31 GiB. The rest is for EMR's services on that node and the driver's Python. 0 leaves the heap to spark_defaults, or to Spark (1 GiB)."
  type        = number
  default     = 0.5
  nullable    = false

  validation {
    condition     = var.driver_memory_share >= 0 && var.driver_memory_share <= 0.75
    error_message = "driver_memory_share must be 0 to 0.75 of the primary node's memory."
  }
}

variable "spark_defaults" {
  description = "Spark settings of the cluster, which override the ones in cluster.tf."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.spark_defaults) : startswith(key, "spark.")])
    error_message = "spark_defaults must contain only Spark settings, whose names start with \"spark.\"."
  }
}

variable "wheels_directory" {
  description = "Folder with the nodes' Python wheels and their hashed requirements.txt; uploaded for the bootstrap action. Null or an empty folder uploads none; a local cluster needs none."
  type        = string
  default     = null
}

# ---------------------------------------------------------------------------------------------
# Watching
# ---------------------------------------------------------------------------------------------

variable "alarm_email" {
  description = "Address that gets the alarms, after it has confirmed the subscription; null subscribes nobody."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address, or null."
  }
}

variable "oldest_message_alarm_seconds" {
  description = "Age of a queue's oldest message that raises its alarm. Longer than one visibility timeout, so that one retry raises none."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.oldest_message_alarm_seconds >= 60 && var.oldest_message_alarm_seconds <= 1209600
    error_message = "oldest_message_alarm_seconds must be 60 to 1209600 seconds (14 days, the longest a message is kept)."
  }
}

variable "texts_spend_alarm_usd" {
  description = "Dollars spent on texts in a month that raise the alarm. In a new account SNS stops sending at 1 dollar."
  type        = number
  default     = 0.8
  nullable    = false

  validation {
    condition     = var.texts_spend_alarm_usd > 0
    error_message = "texts_spend_alarm_usd must be a number of dollars above 0."
  }
}

variable "budget_email" {
  description = "Address that AWS Budgets mails when the month's cost passes 80 % or 100 % of budget_usd_month, or is forecast to; null makes no budget. The tag environment must be activated for cost allocation."
  type        = string
  default     = null

  validation {
    condition     = var.budget_email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.budget_email))
    error_message = "budget_email must be an e-mail address, or null."
  }
}

variable "budget_usd_month" {
  description = "The month's budget in dollars, for the mails to budget_email. `make cost` estimates the cost."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.budget_usd_month > 0
    error_message = "budget_usd_month must be a number of dollars above 0."
  }
}

variable "log_failed_texts" {
  description = "Let SNS log why a text failed. The setting applies to the whole account: SNS logs every text that anything in this account sends. The log keeps phone numbers for one day, encrypted with a key of its own (about a dollar a month). Only one environment of an account may switch it on. Switching it off, or destroying the environment, makes the Terraform provider reset all SMS preferences of the account to AWS's defaults, the monthly spend limit among them: set that again afterwards."
  type        = bool
  default     = false
  nullable    = false
}

# ---------------------------------------------------------------------------------------------
# Abuse
# ---------------------------------------------------------------------------------------------

variable "waf" {
  description = "Requests from one address to the API in five minutes above which AWS WAF blocks the address: for all calls, and for new forms (POST /visitors). Null creates no WAF, which would cost about 7 dollars a month (web ACL and two rules) and 0.60 a million requests. To remove it, first set attached to false and deploy, then set null and deploy: AWS does not delete rules that are in use."
  type = object({
    calls    = optional(number, 2000)
    forms    = optional(number, 100)
    attached = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.waf == null || alltrue([for limit in [try(var.waf.calls, 10), try(var.waf.forms, 10)] : limit >= 10 && limit <= 2000000000 && floor(limit) == limit])
    error_message = "waf.calls and waf.forms must be whole numbers from 10 to 2000000000, the range that AWS WAF allows."
  }
}
