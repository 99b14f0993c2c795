"""What an operator does about the errors of Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from strata.errors import StrataError
from strata.landing_zone.permissions import denied, remedy
from strata.printing import line, word
from strata.terraform.events import Failure
from strata.terraform.workspace import Workspace


class TerraformError(StrataError):
    """Errors of Terraform in one stack: each on a line, and below them what to do."""

    def __init__(self, workspace: Workspace, stack: str, found: Sequence[Failure]) -> None:
        super().__init__(*(f"{stack}: {failure.text}" for failure in found))
        self._advice = list(advice(workspace, stack, found))

    def lines(self) -> Iterator[str]:
        """Yields what is printed."""
        yield from (f"error: {line(text)}" for text in self.args)
        yield from (f"  {text}" for text in self._advice)


_ADVICE = (
    (
        r"FinalizingOrganization|FINALIZING_ORGANIZATION",
        "AWS is still setting up the organization, for up to an hour; run the command again then",
    ),
    (
        r"ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        (
            "AWS also returns this in the first hour of an organization: run the command again in an hour; after that, "
            "raise the quota 'Default maximum number of accounts' in Service Quotas (us-east-1)"
        ),
    ),
    (
        r"ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED|CREATE_ACCOUNT_IN_PROGRESS",
        "AWS creates five accounts at a time; run the command again in some minutes",
    ),
    (
        r"EMAIL_ALREADY_EXISTS",
        (
            "the address belongs to an account outside of this organization, or to a closed one; choose another in "
            "organization.yaml"
        ),
    ),
    (
        r"Instance cannot be destroyed.*organizational_unit",
        (
            "a unit cannot move: AWS has no API for it. Add a unit with a new key at the new place, move the "
            "accounts, deploy, then drop the old one"
        ),
    ),
    (
        r"Instance cannot be destroyed.*organizations_account",
        "an e-mail changed: write the old one back. To change a root address, do it at AWS first, then here",
    ),
    (
        r"Instance cannot be destroyed",
        "an edit would replace something that must not be lost; undo it, or see 'Leaving' in docs/operate.md",
    ),
    (
        r"OrganizationalUnitNotEmpty",
        "the unit still holds accounts or units that Strata does not know; move them, then deploy again",
    ),
    (r"S3 bucket .* does not exist|NoSuchBucket", "the state bucket is missing; run strata bootstrap"),
    (r"AWS account ID not allowed", "these credentials are of another account than the one in project.yaml"),
    (
        r"state data in S3 does not have the expected content",
        "see 'The state does not have the expected content' in docs/operate.md",
    ),
    (r"ExpiredToken|InvalidClientTokenId|no valid credential sources", "sign in again, then run the command again"),
    (r"Terraform was stopped before it finished", "run the command again; existing resources are kept or imported"),
    (r"ThrottlingException|TooManyRequests|Rate exceeded", "AWS is throttling requests; run the command again"),
)


def advice(workspace: Workspace, stack: str, found: Sequence[Failure]) -> Iterator[str]:
    """Yields what to do about errors of a stack, each advice once."""
    said = [f"{failure.text} {failure.address or ''}" for failure in found]
    given = dict.fromkeys(
        next((words for pattern, words in _ADVICE if re.search(pattern, text)), None) for text in said
    )
    yield from filter(None, given)
    yield from dict.fromkeys(filter(None, map(_denied, said)))
    for text in said:
        if re.search(_LOCKED, text):
            yield from _locked(workspace, stack, text)


_DENIED = r"AccessDenied|AuthorizationError|UnauthorizedOperation|not authorized to perform|StatusCode: 403"
_PREFIXES = {"S3": "s3", "Organizations": "organizations"}
"""The services that do not always name the action, as an SDK calls them, and as policies do."""


def _denied(said: str) -> str | None:
    """Returns which policy is missing, or which one is in the way."""
    if not re.search(_DENIED, said):
        return None
    called = re.search(r"operation error ([\w ]+): (\w+)", said)
    prefix = _PREFIXES.get(called[1]) if called else None
    action = denied(said, f"{prefix}:{called[2]}" if called and prefix else "")
    if action is None:
        return None
    if explicit := re.search(r"with an explicit deny in an? ([a-z -]+ policy|permissions boundary)", said):
        return f"{action} is denied explicitly: change the {explicit[1]}"
    elsewhere = f"no policy of `strata permissions` allows {action}: see 'Permissions' in docs/operate.md"
    return remedy(action) or elsewhere


_LOCKED = r"Error acquiring the state lock|state blob is already locked"


def _locked(workspace: Workspace, stack: str, said: str) -> Iterator[str]:
    who = re.search(r"Who:\s+(\S+)", said)
    yield f"the state is locked{f' by {who[1]}' if who else ''}; wait if somebody deploys right now"
    if lock := re.search(r"ID:\s+([0-9a-f-]{36})", said):
        binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(stack)
        command = f"{word(binary)} -chdir={word(folder)} force-unlock -force {lock[1]}"
        yield f"if nobody does, a killed run left the lock; free it: {command}"
