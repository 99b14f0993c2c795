"""The form of import ids by resource type, as the importers of the AWS provider read them."""

from __future__ import annotations

import re
from functools import cache

from strata.config.text import Problem, short
from strata.errors import Message

_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PRINCIPAL = rf"(?:[0-9a-f]{{10}}-)?{_UUID}"
_ACCOUNT = r"[0-9]{12}"

_PARTS = {
    "account id": _ACCOUNT,
    "alias name": r"alias/[0-9A-Za-z_/-]+",
    "analyzer name": r"[A-Za-z][0-9A-Za-z_.-]{0,254}",
    "anomaly monitor ARN": rf"arn:aws:ce::{_ACCOUNT}:anomalymonitor/[0-9A-Za-z-]+",
    "anomaly subscription ARN": rf"arn:aws:ce::{_ACCOUNT}:anomalysubscription/[0-9A-Za-z-]+",
    "budget name": r"[^:\\\s]+(?: [^:\\\s]+)*",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "BILLING, OPERATIONS or SECURITY": r"(?:BILLING|OPERATIONS|SECURITY)",
    "GROUP or USER": r"(?:GROUP|USER)",
    "group id": _PRINCIPAL,
    "identity store id": rf"(?:d-[0-9A-Za-z]+|{_UUID})",
    "instance ARN": r"arn:aws:sso:::instance/[0-9A-Za-z.-]+",
    "key id": rf"(?:{_UUID}|mrk-[0-9a-f]{{32}})",
    "membership id": _PRINCIPAL,
    "organization id": r"o-[a-z0-9]{10,32}",
    "permission set ARN": r"arn:aws:sso:::permissionSet/[0-9A-Za-z.-]+/ps-[0-9A-Za-z./-]+",
    "policy ARN": rf"arn:aws:iam::(?:aws|{_ACCOUNT}):policy/[0-9A-Za-z+=,.@_/-]+",
    "policy id": r"p-[0-9A-Za-z_]{8,128}",
    "policy name": r"[0-9A-Za-z_+=,.@-]{1,128}",
    "principal id": _PRINCIPAL,
    "provider ARN": rf"arn:aws:iam::{_ACCOUNT}:oidc-provider/[0-9A-Za-z./-]+",
    "region": r"[a-z]{2}(?:-[a-z]+)+-[0-9]",
    "role name": r"[0-9A-Za-z_+=,.@-]{1,64}",
    "role ARN": rf"arn:aws:iam::{_ACCOUNT}:role/aws-service-role/[0-9a-z.-]+/[0-9A-Za-z_+=,.@-]+",
    "rule name": r"[0-9A-Za-z_.-]{1,64}",
    "service principal": r"[a-z0-9.-]+\.amazonaws\.com",
    "subscription ARN": rf"arn:aws:sns:[a-z0-9-]+:{_ACCOUNT}:[0-9A-Za-z_-]+:{_UUID}",
    "table name": r"[0-9A-Za-z_.-]{3,255}",
    "target": r"(?:r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12})",
    "target id": r"[0-9A-Za-z_.-]{1,64}",
    "topic ARN": rf"arn:aws:sns:[a-z0-9-]+:{_ACCOUNT}:[0-9A-Za-z_-]+",
    "trail ARN": rf"arn:aws:cloudtrail:[a-z0-9-]+:{_ACCOUNT}:trail/[0-9A-Za-z_.-]+",
    "unit id": r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}",
    "customer policy name": r"[0-9A-Za-z_+=.@-]{1,128}",
    "customer policy path": r"/(?:[0-9A-Za-z.+@=_-]+/)*",
    "user id": _PRINCIPAL,
}
"""The parts of ids, by their name in a remedy."""

_ANYWHERE = "[@<region>]"
"""The optional end of the id of a regional type."""

# From the importers in the provider's internal/service/<service>/*.go and its documentation of each type.
_FORMS = {
    "aws_accessanalyzer_analyzer": f"<analyzer name>{_ANYWHERE}",
    "aws_account_alternate_contact": "[<account id>][/]<BILLING, OPERATIONS or SECURITY>",
    "aws_budgets_budget": "<account id>:<budget name>",
    "aws_ce_anomaly_monitor": "<anomaly monitor ARN>",
    "aws_ce_anomaly_subscription": "<anomaly subscription ARN>",
    "aws_cloudtrail": "<trail ARN>",
    "aws_cloudwatch_event_rule": f"[<rule name>/]<rule name>{_ANYWHERE}",
    "aws_cloudwatch_event_target": f"[<rule name>/]<rule name>/<target id>{_ANYWHERE}",
    "aws_dynamodb_table": f"<table name>{_ANYWHERE}",
    "aws_ebs_encryption_by_default": f"default{_ANYWHERE}",
    "aws_ebs_snapshot_block_public_access": f"<region>{_ANYWHERE}",
    "aws_iam_account_password_policy": "iam-account-password-policy",
    "aws_iam_openid_connect_provider": "<provider ARN>",
    "aws_iam_organizations_features": "<organization id>",
    "aws_iam_role": "<role name>",
    "aws_iam_role_policy": "<role name>:<policy name>",
    "aws_iam_role_policy_attachment": "<role name>/<policy ARN>",
    "aws_iam_service_linked_role": "<role ARN>",
    "aws_identitystore_group": f"<identity store id>/<group id>{_ANYWHERE}",
    "aws_identitystore_group_membership": f"<identity store id>/<membership id>{_ANYWHERE}",
    "aws_identitystore_user": f"<identity store id>/<user id>{_ANYWHERE}",
    "aws_kms_alias": f"<alias name>{_ANYWHERE}",
    "aws_kms_key": f"<key id>{_ANYWHERE}",
    "aws_organizations_account": "<account id>",
    "aws_organizations_delegated_administrator": "<account id>/<service principal>",
    "aws_organizations_organization": "<organization id>",
    "aws_organizations_organizational_unit": "<unit id>",
    "aws_organizations_policy": "<policy id>",
    "aws_organizations_policy_attachment": "<target>:<policy id>",
    "aws_ram_sharing_with_organization": "<account id>",
    "aws_s3_account_public_access_block": "<account id>",
    **dict.fromkeys(
        (
            "aws_s3_bucket",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_replication_configuration",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ),
        f"<bucket>{_ANYWHERE}",
    ),
    "aws_sns_topic": f"<topic ARN>{_ANYWHERE}",
    "aws_sns_topic_policy": f"<topic ARN>{_ANYWHERE}",
    "aws_sns_topic_subscription": f"<subscription ARN>{_ANYWHERE}",
    "aws_ssoadmin_account_assignment": (
        f"<principal id>,<GROUP or USER>,<account id>,AWS_ACCOUNT,<permission set ARN>,<instance ARN>{_ANYWHERE}"
    ),
    "aws_ssoadmin_customer_managed_policy_attachment": (
        f"<customer policy name>,<customer policy path>,<permission set ARN>,<instance ARN>{_ANYWHERE}"
    ),
    "aws_ssoadmin_instance_access_control_attributes": f"<instance ARN>{_ANYWHERE}",
    "aws_ssoadmin_managed_policy_attachment": f"<policy ARN>,<permission set ARN>,<instance ARN>{_ANYWHERE}",
    **dict.fromkeys(
        (
            "aws_ssoadmin_permission_set",
            "aws_ssoadmin_permission_set_inline_policy",
            "aws_ssoadmin_permissions_boundary_attachment",
        ),
        f"<permission set ARN>,<instance ARN>{_ANYWHERE}",
    ),
}
"""`<part>` is one of the parts above, `[...]` may be left out."""

_NO_IMPORTER = frozenset({"aws_ec2_image_block_public_access", "aws_ec2_instance_metadata_defaults"})
"""Types without an importer, as their documentation says; each is a setting that is there always."""

_LONGEST = 2048


def check_import_id(kind: str, import_id: str) -> None:
    """Refuses an id that the importer of a resource type cannot read.

    Raises:
        Problem: the id is of another form, or the provider imports nothing of this type.
    """
    if kind in _NO_IMPORTER:
        problem = f"the AWS provider imports no {kind}, and it needs no import"
        message = Message("not-importable", problem, type=kind)
        raise Problem(message, "remove the line: creating the resource updates the existing settings")
    form = _FORMS.get(kind)
    if form is None:
        if not re.fullmatch(r"[!-~]+", import_id) or re.search(r"[$%]\{", import_id) or len(import_id) > _LONGEST:
            problem = f"{short(import_id)} is not an import id"
            message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
            raise Problem(message, "write the id AWS shows, as plain text")
    elif len(import_id) > _LONGEST or not _pattern(form).fullmatch(import_id):
        readable = form.replace(_ANYWHERE, "")
        problem = f"{short(import_id)} is not the id of an {kind}"
        message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
        raise Problem(message, f"write it as {readable}")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    found = ""
    for part in re.split(r"(<[^>]+>|\[|\])", form):
        if part.startswith("<"):
            found += f"(?:{_PARTS[part[1:-1]]})"
        else:
            found += {"[": "(?:", "]": ")?"}.get(part, re.escape(part))
    return re.compile(found)
