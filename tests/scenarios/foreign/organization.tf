resource "aws_organizations_organization" "this" {
  feature_set                   = "ALL"
  aws_service_access_principals = ["sso.amazonaws.com", "ram.amazonaws.com"]
  enabled_policy_types          = ["SERVICE_CONTROL_POLICY"]
}

resource "aws_organizations_organizational_unit" "stage" {
  for_each  = toset(["prod", "test"])
  name      = each.key
  parent_id = aws_organizations_organization.this.roots[0].id
}

resource "aws_organizations_account" "shop" {
  for_each  = aws_organizations_organizational_unit.stage
  name      = "shop-${each.key}"
  email     = "aws+shop-${each.key}@acme.io"
  parent_id = each.value.id
  tags      = { stage = each.key }
}

resource "aws_organizations_policy" "stay" {
  name = "stay"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = "organizations:LeaveOrganization", Resource = "*" }]
  })
}

resource "aws_organizations_policy_attachment" "stay" {
  policy_id = aws_organizations_policy.stay.id
  target_id = aws_organizations_organization.this.roots[0].id
}

module "access" {
  source   = "./access"
  for_each = toset(["eu.data"])
  accounts = { for stage, account in aws_organizations_account.shop : stage => account.id }
}

output "account_ids" {
  value = values(aws_organizations_account.shop)[*].id
}
