"""The form of import ids, as the importers of the AWS provider read them.

`<part>` is one of the parts below, `[...]` may be left out.
"""

from __future__ import annotations

import re
from functools import cache

from strata.config.text import Problem, short
from strata.errors import Message
from strata.kinds import RESOURCES

_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PRINCIPAL = rf"(?:[0-9a-f]{{10}}-)?{_UUID}"
_ACCOUNT = r"[0-9]{12}"

_PARTS = {
    "account alias": r"[a-z0-9-]{3,63}",
    "aggregator name": r"[0-9A-Za-z_-]{1,256}",
    "account id": _ACCOUNT,
    "alias name": r"alias/[0-9A-Za-z_/-]+",
    "analyzer name": r"[A-Za-z][0-9A-Za-z_.-]{0,254}",
    "anomaly monitor ARN": rf"arn:aws:ce::{_ACCOUNT}:anomalymonitor/[0-9A-Za-z-]+",
    "anomaly subscription ARN": rf"arn:aws:ce::{_ACCOUNT}:anomalysubscription/[0-9A-Za-z-]+",
    "budget name": r"[^:\\\s]+(?: [^:\\\s]+)*",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "channel name": r"[0-9A-Za-z_.-]{1,256}",
    "recorder name": r"[0-9A-Za-z_.-]{1,256}",
    "BILLING, OPERATIONS or SECURITY": r"(?:BILLING|OPERATIONS|SECURITY)",
    "GROUP or USER": r"(?:GROUP|USER)",
    "detector id": r"[0-9a-f]{32}",
    "group id": _PRINCIPAL,
    "identity store id": rf"(?:d-[0-9A-Za-z]+|{_UUID})",
    "instance ARN": r"arn:aws:sso:::instance/[0-9A-Za-z.-]+",
    "key ARN": rf"arn:aws:kms:[a-z0-9-]+:{_ACCOUNT}:key/[0-9A-Za-z-]+",
    "key id": rf"(?:{_UUID}|mrk-[0-9a-f]{{32}})",
    "membership id": _PRINCIPAL,
    "organization id": r"o-[a-z0-9]{10,32}",
    "permission set ARN": r"arn:aws:sso:::permissionSet/[0-9A-Za-z.-]+/ps-[0-9A-Za-z./-]+",
    "policy ARN": rf"arn:aws:iam::(?:aws|{_ACCOUNT}):policy/[0-9A-Za-z+=,.@_/-]+",
    "policy id": r"p-[0-9A-Za-z_]{8,128}",
    "policy name": r"[0-9A-Za-z_+=,.@-]{1,128}",
    "principal id": _PRINCIPAL,
    "provider ARN": rf"arn:aws:iam::{_ACCOUNT}:oidc-provider/[0-9A-Za-z./-]+",
    "quota code": r"L-[0-9A-Z]{8}",
    "region": r"[a-z]{2}(?:-[a-z]+)+-[0-9]",
    "role name": r"[0-9A-Za-z_+=,.@-]{1,64}",
    "role ARN": rf"arn:aws:iam::{_ACCOUNT}:role/aws-service-role/[0-9a-z.-]+/[0-9A-Za-z_+=,.@-]+",
    "rule name": r"[0-9A-Za-z_.-]{1,64}",
    "service code": r"[a-z0-9-]+",
    "service principal": r"[a-z0-9.-]+\.amazonaws\.com",
    "service setting": r"(?:arn:aws:ssm:[a-z0-9-]+:[0-9]{12}:servicesetting)?/ssm/[0-9A-Za-z/_-]+",
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
_LONGEST = 2048


def check_import_id(kind: str, import_id: str) -> None:
    """Refuses an id that the importer of a resource type cannot read.

    Raises:
        Problem: the id is of another form, or the provider imports nothing of this type.
    """
    resource = RESOURCES.get(kind)
    if resource and not resource.form:
        problem = f"the AWS provider imports no {kind}, and it needs no import"
        message = Message("not-importable", problem, type=kind)
        raise Problem(message, "remove the line: creating the resource updates the existing settings")
    if resource is None:
        if not re.fullmatch(r"[!-~]+", import_id) or re.search(r"[$%]\{", import_id) or len(import_id) > _LONGEST:
            problem = f"{short(import_id)} is not an import id"
            message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
            raise Problem(message, "write the id AWS shows, as plain text")
    elif len(import_id) > _LONGEST or not _pattern(resource.form).fullmatch(import_id):
        readable = resource.form.replace(_ANYWHERE, "")
        problem = f"{short(import_id)} is not the id of an {kind}"
        message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
        raise Problem(message, f"write it as {readable}")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.split(r"(<[^>]+>|\[|\])", form):
        if part.startswith("<"):
            pattern += f"(?:{_PARTS[part[1:-1]]})"
        else:
            pattern += {"[": "(?:", "]": ")?"}.get(part, re.escape(part))
    return re.compile(pattern)
