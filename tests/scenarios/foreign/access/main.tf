variable "accounts" {
  type = map(string)
}

data "aws_ssoadmin_instances" "this" {}

locals {
  instance = data.aws_ssoadmin_instances.this.arns[0]
  store    = data.aws_ssoadmin_instances.this.identity_store_ids[0]
  people   = { "ana.adler" = ["Ana", "Adler"], "ben.becker" = ["Ben", "Becker"] }
}

resource "aws_identitystore_user" "this" {
  for_each          = local.people
  identity_store_id = local.store
  user_name         = "${each.key}@acme.io"
  display_name      = join(" ", each.value)
  name {
    given_name  = each.value[0]
    family_name = each.value[1]
  }
  emails {
    value   = "${each.key}@acme.io"
    primary = true
  }
}

resource "aws_identitystore_group" "developers" {
  identity_store_id = local.store
  display_name      = "developers"
  description       = "Everybody who develops"
}

resource "aws_identitystore_group_membership" "developers" {
  for_each          = aws_identitystore_user.this
  identity_store_id = local.store
  group_id          = aws_identitystore_group.developers.group_id
  member_id         = each.value.user_id
}

resource "aws_ssoadmin_permission_set" "developer" {
  instance_arn     = local.instance
  name             = "Developer"
  session_duration = "PT4H"
}

resource "aws_ssoadmin_managed_policy_attachment" "developer" {
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.developer.arn
  managed_policy_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
}

resource "aws_ssoadmin_account_assignment" "developer" {
  for_each           = var.accounts
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.developer.arn
  principal_type     = "GROUP"
  principal_id       = aws_identitystore_group.developers.group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = each.value
}
