"""What an operator does about the errors of Terraform, and which of them pass by themselves."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence

from strata.aws.session import emulator
from strata.errors import Message, StrataError
from strata.landing_zone.permissions import denied, denied_by, remedy
from strata.policy.keys import region_of
from strata.printing import line, word
from strata.terraform.events import Failure
from strata.terraform.workspace import Workspace

OURS = "account-is-ours"
"""The case of an account whose address is taken by itself."""


class TerraformError(StrataError):
    """Errors of Terraform in a stack.

    Attributes:
        advice: what to do, each once.
        told: each with the call, the account, the region and what to do; where another has the same remedy, its place.
    """

    def __init__(self, workspace: Workspace, stack: str, failures: Sequence[Failure]) -> None:
        super().__init__(*(_error(workspace, stack, failure) for failure in failures))
        self.advice = list(advice(workspace, stack, failures))
        self.told, first = list[str](), dict[str, str]()
        for error, failure in zip(self.args, failures, strict=True):
            way = "; ".join(advice(workspace, stack, [failure]))
            same = first.setdefault(way, error.place)
            what = f"do as for {same}" if same not in ("", error.place) else line(way, sys.maxsize)
            self.told.append(f"{line(error.removeprefix(f'{stack}: '))}{way and f'; {what}'}")
        self._stack = stack

    def lines(self) -> Iterator[str]:
        """Yields what is printed."""
        yield from (f"error: {self._stack}: {text}" for text in self.told)


EXISTS = r"Already(Exists|OwnedByYou)|already exists"
"""How AWS says that it has what is to be created."""
ADVICE = (
    (
        r"FinalizingOrganization|FINALIZING_ORGANIZATION",
        "organization-not-ready",
        "AWS is still setting up the organization, for up to an hour; run the command again then",
    ),
    (
        r"ACCOUNT_NUMBER_LIMIT_EXCEEDED|ACCOUNT_LIMIT_EXCEEDED|exceeded the allowed number of AWS [Aa]ccounts",
        "account-quota-reached",
        (
            "AWS also returns this in the first hour of an organization: run the command again in an hour; after that, "
            "raise the quota 'Default maximum number of accounts' in Service Quotas (us-east-1); a new organization "
            "may have room for fewer than it says there: ask AWS Support"
        ),
    ),
    (
        r"ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED|CREATE_ACCOUNT_IN_PROGRESS",
        "accounts-throttled",
        "AWS creates five accounts at a time; run the command again in some minutes",
    ),
    (
        r"\bEMAIL_ALREADY_EXISTS|GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
        "email-taken",
        (
            "the address belongs to an account outside of this organization, or to a closed one, unless aws "
            "organizations list-create-account-status --states IN_PROGRESS has the account's name: then run the "
            "command again in some minutes; else choose another address in organization.yaml"
        ),
    ),
    (r"INVALID_EMAIL", "email-rejected", "AWS does not accept the e-mail address; choose another in organization.yaml"),
    (
        r"INVALID_ADDRESS",
        "address-rejected",
        (
            "AWS does not accept the postal address of the management account; correct it in the Billing console, then "
            "run the command again"
        ),
    ),
    (
        r"CONCURRENT_ACCOUNT_MODIFICATION|INTERNAL_FAILURE",
        "account-not-finished",
        (
            "AWS did not finish the account; run the command again in some minutes; ask AWS Support where that does "
            "not help"
        ),
    ),
    (
        r"(MISSING|INVALID)_PAYMENT_INSTRUMENT",
        "payment-method-missing",
        (
            "the management account has no payment method that AWS accepts; add one in the Billing console, then run "
            "the command again"
        ),
    ),
    (
        r"(MISSING|PENDING|FAILED|UNKNOWN|INVALID_IDENTITY_FOR)_BUSINESS_VALIDATION|IDENTITY_INVALID_BUSINESS_VALIDATION",
        "business-not-validated",
        (
            "AWS has not validated the business of the management account; see the messages in its Billing console, or "
            "ask AWS Support, then run the command again"
        ),
    ),
    (
        r"UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        "account-tags-rejected",
        "AWS cannot create the account with these tags; take tags off it in organization.yaml, or ask AWS Support",
    ),
    (
        r"ServiceAccessNotEnabled",
        "trusted-access-off",
        (
            "IAM did not see its trusted access for seven minutes; run the command again in an hour; if it stays so, "
            "somebody switched it off: aws organizations enable-aws-service-access --service-principal "
            "iam.amazonaws.com"
        ),
    ),
    (
        r"Service not enabled for AWS Organizations",
        "analyzer-not-settled",
        (
            "Access Analyzer did not see its trusted access for seven minutes; run the command again in an hour; if it "
            "stays so, somebody switched it off: aws organizations enable-aws-service-access --service-principal "
            "access-analyzer.amazonaws.com"
        ),
    ),
    (
        r"NoManagementAccountSLRExists",
        "cloudtrail-role-missing",
        (
            "create the role of CloudTrail, then run the command again: aws iam create-service-linked-role "
            "--aws-service-name cloudtrail.amazonaws.com"
        ),
    ),
    (
        r"CloudTrailAccessNotEnabled|InsufficientDependencyServiceAccessPermission|InsufficientS3BucketPolicy",
        "cloudtrail-not-settled",
        (
            "for seven minutes CloudTrail did not see its trusted access, role or bucket policy; run the command again "
            "in an hour; if it stays so, the credentials lack a permission on organizations, IAM or the bucket"
        ),
    ),
    (
        r"Instance cannot be destroyed.*organizational_unit",
        "unit-moved",
        (
            "a unit cannot move: AWS has no API for it. Add a unit with a new key at the new place, move the "
            "accounts, deploy, then drop the old one"
        ),
    ),
    (
        r"Instance cannot be destroyed.*organizations_account",
        "account-email-changed",
        "an e-mail changed: write the old one back. To change a root address, do it at AWS first, then here",
    ),
    (
        r"Instance cannot be destroyed",
        "guarded-from-replacement",
        "an edit would replace something that must not be lost; undo it, or see 'Leaving' in docs/leave.md",
    ),
    (
        r"OrganizationalUnitNotEmpty",
        "unit-not-empty",
        (
            "the unit still holds a unit or an account, maybe one that is retired, closed or left to others: put it "
            "back with its policies, or move what is in it (aws organizations move-account), then deploy again"
        ),
    ),
    (
        r"S3 bucket .* does not exist|NoSuchBucket(?!Exception)",
        "state-bucket-missing",
        "the state bucket is missing; run strata bootstrap",
    ),
    (
        r"AWS account ID not allowed",
        "wrong-account",
        "these credentials belong to another account than the one in project.yaml",
    ),
    (
        r"state data in S3 does not have the expected content",
        "state-digest-differs",
        "see 'The state does not have the expected content' in docs/recover.md",
    ),
    (
        r"ExpiredToken|no valid credential sources",
        "credentials-expired",
        "sign in again, then run the command again",
    ),
    (
        r"AuthFailure|UnrecognizedClientException|InvalidClientTokenId",
        "credentials-rejected",
        (
            "AWS does not take these credentials there: where the other regions do, this one is not enabled in the "
            "account, strata doctor names it in the line regions; else sign in again; then run the command again"
        ),
    ),
    (
        r"Terraform was stopped before it finished",
        "terraform-stopped",
        "run the command again; existing resources are kept or imported",
    ),
    (
        (
            r"(?i)Throttl|TooManyRequests|SlowDown|(Request|Bandwidth)LimitExceeded|ProvisionedThroughputExceeded|"
            r"PriorRequestNotComplete|rate exceeded"
        ),
        "aws-throttled",
        (
            "AWS throttles these calls, and the provider has repeated them for up to an hour: something else uses the "
            "API; stop it or wait, then run the command again"
        ),
    ),
    (
        r"IAM Account Alias.*EntityAlreadyExists",
        "alias-taken",
        (
            "another account, of yours or of somebody else, has this alias: choose another in baseline.yaml, or write "
            "there the one that the account had before, and deploy again: until then it has none"
        ),
    ),
    (
        r"DeleteRole.*DeleteConflict",
        "role-in-use",
        (
            "others have attached policies to the role, or put some into it: in its account aws iam "
            "list-attached-role-policies and list-role-policies name them; take them off there, or write mode: "
            "unmanaged for the role, then deploy again"
        ),
    ),
    (
        rf"exceeded maximum number of attempts.*ConflictException|{EXISTS}",
        "aws-conflict",
        (
            "something else changes the same thing, or it exists under this name; look at it in the console, then run "
            "the command again, which imports what is Strata's"
        ),
    ),
    (
        r"CreateAnomalyMonitor.*LimitExceeded|Limit exceeded on dimensional spend monitor",
        "monitor-exists",
        (
            "an account has one monitor of all services; take the existing one over, with the line for imports.yaml "
            "that strata doctor prints"
        ),
    ),
    (
        (
            r"Obtaining permissions to manage your AWS account|"
            r"Account Assignment .*An unexpected internal service exception"
        ),
        "account-not-prepared",
        (
            "Identity Center cannot work in the account: run the command again in some minutes where the account is "
            "new; in one that is closed or suspended it never can, strata doctor names those"
        ),
    ),
    (
        r"Not supported policy",
        "policy-missing-in-account",
        (
            "a policy or boundary that the permission set names is missing in an account; create it there, with this "
            "name and path, then run the command again"
        ),
    ),
    (
        r"timeout while waiting for|timed out waiting",
        "aws-too-slow",
        (
            "AWS took longer than the provider waits; run the command again, which goes on from what was done, and "
            "imports what AWS finished in the meantime"
        ),
    ),
    (
        r"StatusCode: 5\d\d",
        "aws-failed",
        "AWS failed by itself; run the command again in some minutes, which goes on from what was done",
    ),
    (
        r"request send failed",
        "aws-unreachable",
        (
            "no answer of AWS came; check the network and the proxy, then run the command again, which imports what "
            "AWS did all the same"
        ),
    ),
)
"""The errors that AWS and Terraform are known to report, its case, and what an operator does; the first that matches
counts.

docs/messages.md has the same in a table. https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccountStatus.html
names the reasons for which AWS does not create an account.
"""


_CALL = re.compile(r"operation error ([\w ]+): (\w+)")
_PREFIXES = {
    "Cost Explorer": "ce",
    "EventBridge": "events",
    "S3 Control": "s3",
    "SSO Admin": "sso",
}
"""The services that an SDK calls otherwise than policies do, where it says what was called."""
_OF_STATES = ("s3", "dynamodb")


def _called(text: str) -> tuple[str, str] | None:
    """Returns the service, as policies call it, and the operation that an error of the provider names."""
    match = _CALL.search(text)
    return (_PREFIXES.get(match[1], match[1].lower()), match[2]) if match else None


def _error(workspace: Workspace, stack: str, failure: Failure) -> Message:
    """Returns an error of a stack, with the account and the region that AWS was asked in."""
    where = ""
    if re.search(r"operation error|StatusCode|unexpected state|timeout while waiting", failure.text):
        service, document = (_called(failure.text) or ("", ""))[0], workspace.document(stack)
        type, _, name = failure.place.partition(".")
        provider, of_states = document["provider"]["aws"][0], document["terraform"]["backend"].get("s3")
        asked = of_states if of_states and not failure.place and service in _OF_STATES else provider
        own = document.get("resource", {}).get(type, {}).get(name.partition("[")[0], {}).get("region", "$")
        region = region_of(f"{service}:", "") or (asked["region"] if own.startswith("$") else own)
        account = asked["allowed_account_ids"][0]
        # In a member account the name of the stack has its key.
        where = f" ({region})" if account.startswith("$") else f" (account {account}, {region})"
    return Message(failure.id, f"{stack}: {failure.told}{where}", place=failure.place, stack=stack)


def advice(workspace: Workspace, stack: str, failures: Sequence[Failure]) -> Iterator[Message]:
    """Yields what to do about errors of a stack, each advice once."""
    yield from dict.fromkeys(way for failure in failures for way in _ways(workspace, stack, failure))


def _ways(workspace: Workspace, stack: str, failure: Failure) -> Iterator[Message]:
    if failure.remedy:
        yield failure.remedy
        return
    said = f"{failure.text} {failure.address or ''}"
    known = next(
        ([Message(case, words, stack=stack)] for pattern, case, words in ADVICE if re.search(pattern, said)), []
    )
    ways = [*known, *filter(None, [_denied(said)])]
    yield from ways
    if re.search(_LOCKED, said) and ("Lock Info" in said or not ways):  # else AWS refused the lock, and nobody holds it
        who, lock = re.search(r"Who:\s+(\S+)", said), re.search(r"ID:\s+([0-9a-f-]{36})", said)
        yield from held(workspace, stack, lock[1] if lock else None, who=who[1] if who else "")


_DENIED = r"AccessDenied|AuthorizationError|UnauthorizedOperation|not authorized to perform|StatusCode: 403"


def _denied(said: str) -> Message | None:
    """Returns which policy is missing or in the way."""
    if not re.search(_DENIED, said):
        return None
    action = denied(said, ":".join(_called(said) or ()))
    if action is None:
        return None
    if by := denied_by(said):
        text = f"{action} is denied explicitly: change the {by}"
        return Message("denied-explicitly", text, action=action, by=by)
    if known := remedy(action):
        return Message("policy-not-attached", known, action=action)
    text = f"no policy of `strata permissions` allows {action}: see 'Permissions' in docs/deploy.md"
    return Message("action-in-no-policy", text, action=action)


_LOCKED = r"Error (acquiring|releasing) the state lock|state blob is already locked"


def held(workspace: Workspace, stack: str, lock: str | None, *, who: str, since: str = "") -> Iterator[Message]:
    """Yields what to do about a lock on a state: to wait, or to free it by its id."""
    by = f"{f' by {who}' if who else ''}{f' since {since}' if since else ''}"
    text = f"the state is locked{by}; wait if somebody deploys right now"
    yield Message("state-locked", text, stack=stack, lock=lock, who=who)
    if lock:
        binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(stack)
        command = f"{word(binary)} -chdir={word(folder)} force-unlock -force {lock}"
        text = f"if nobody does, a killed run left the lock; free it: {command}"
        yield Message("lock-of-killed-run", text, stack=stack, lock=lock)


# What passes by itself

PAUSES = (5, 15, 30, 60, 60, 60, 60, 60, 60)
"""The seconds to wait before each further try: nine tries, seven minutes in all.

Access Analyzer keeps a refusal for five minutes, as the AWS provider says (`organizationCreationTimeout` in
internal/service/accessanalyzer/analyzer.go).
"""


def settling(failure: Failure) -> Message | None:
    """Returns why an error passes by itself, None if it does not."""
    if failure.remedy and failure.remedy.id == OURS:
        return Message("account-in-the-making", "AWS makes the account already, for an earlier request")
    return next((Message(case, why) for pattern, case, why in _SETTLING if re.search(pattern, failure.text)), None)


def is_being_made(failure: Failure) -> bool:
    """Says whether AWS makes the account still that has the address: another request would find it taken again."""
    return bool(failure.remedy and failure.remedy.id == OURS and not failure.remedy.data["listed"])


def wait(seconds: float) -> None:
    """Waits; an interrupt ends it. An emulated AWS has no minutes: there another look is enough."""
    time.sleep(0 if emulator() else seconds)


_SETTLING = (
    (
        r"CloudTrailAccessNotEnabledException",
        "trusted-access-off",
        "CloudTrail does not see its trusted access in the organization yet",
    ),
    (
        r"Service not enabled for AWS Organizations",
        "analyzer-trust-not-seen",
        "Access Analyzer does not see its trusted access in the organization yet",
    ),
    (
        r"ServiceAccessNotEnabled",
        "iam-trust-not-seen",
        "IAM does not see its trusted access in the organization yet",
    ),
    (
        (
            r"Account Assignment .* create: .*"
            r"(Obtaining permissions to manage your AWS account|An unexpected internal service exception)"
        ),
        "account-not-prepared",
        "Identity Center cannot work in the new account yet",
    ),
    (
        r"can only be shared within your AWS Organization.*onboarding process is still in progress",
        "sharing-not-seen",
        "RAM does not see yet that it may share with the organization",
    ),
    (
        r"InsufficientDependencyServiceAccessPermissionException",
        "organization-not-reached",
        "CloudTrail cannot reach the organization yet",
    ),
    (
        r"NoManagementAccountSLRExistsException",
        "cloudtrail-role-missing",
        "CloudTrail has no service-linked role in the management account yet",
    ),
    (
        r"InsufficientS3BucketPolicyException",
        "bucket-policy-not-seen",
        "CloudTrail does not see the policy of its bucket yet",
    ),
    (
        r"Service role name AWSServiceRole\w+ has been taken",
        "service-linked-role-taken",
        "AWS has just created the service-linked role itself",
    ),
    (
        r"NoSuchEntity.*AWSServiceRole|AWSServiceRole.*NoSuchEntity",
        "service-linked-role-not-seen",
        "IAM does not show the service-linked role yet",
    ),
)
"""Errors that the provider does not repeat itself, the case, and the reason.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (IAM is eventually consistent),
https://github.com/nozaq/terraform-aws-secure-baseline/issues/184 (Access Analyzer and CloudTrail),
https://github.com/hashicorp/terraform-provider-aws/issues/7769 (RAM), of Identity Center
https://github.com/aws-samples/aws-identitycenter-codepipeline-auto-assignment/issues/31,
https://github.com/aws/aws-cli/issues/8356, https://github.com/hashicorp/terraform-provider-aws/issues/26807.
"""
