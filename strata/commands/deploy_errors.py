"""What Terraform says when a deploy fails, and what an operator does about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from strata.printing import word
from strata.workspace import Result, Workspace


@dataclass(frozen=True)
class Failure:
    """One error of Terraform: its text on one line, the resource it is about, and the stacks whose outputs it names."""

    text: str
    address: str | None = None
    reads: frozenset[str] = frozenset()


def failures(text: str) -> list[Failure]:
    """Returns the errors in what Terraform or cdktf said, each once, in order.

    Terraform draws a frame around an error where it may, and in it a second one around the values an expression had.
    cdktf passes on pieces, each with the name of the stack before it and a count of stacks after it; a piece may end
    within an error, and within a line of it.
    """
    found: dict[Failure, None] = {}
    block: list[str] | None = None
    framed, blank = False, 0
    for line in [*_COUNT.sub("\n", text).splitlines(), "", ""]:
        start = re.match(r"^(?:[\w-]+  )?\s*(│?)\s*Error: (.*)$", line)
        content = re.sub(r"^\s*│", "", line).strip() if framed else line.strip()
        blank = 0 if content else blank + 1
        if block is not None and (start or blank > 1 or _AFTER.match(content)):
            found[_failure(block)] = None
            block = None
        if start:
            block, framed = [start[2]], bool(start[1])
        elif block is not None and content and not content.startswith(("├", "│")):
            block.append(content)
    return list(found)


_COUNT = re.compile(r"\n\s*\n\s*\n\d+ Stacks? deploying.*\n\s*")
_AFTER = re.compile(r"\d+ Stacks? deploying|╵|Warning: |Invoking Terraform CLI failed")


def _failure(block: Sequence[str]) -> Failure:
    lines = "\n".join(block)
    found = re.search(r"^with ([\w.-]+(?:\[.*\])?)[ ,]", lines, re.MULTILINE)
    if not found:  # the line may be broken
        found = re.search(r"with((?:data\.)?aws_\w+\.[\w.-]+)(?:\([^()]*\))?,oncdk", "".join(lines.split()))
    address = found[1] if found else None
    words = [line for line in block if not re.match(r"(with [\w.-]+|on cdk\.tf\.json line|\d+: )", line)]
    return Failure(" ".join(" ".join(words).split()), address, frozenset(_OTHER_STACK.findall(lines)))


_OTHER_STACK = re.compile(r"data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)")


_ADVICE = (
    (
        r"FinalizingOrganization|FINALIZING_ORGANIZATION",
        "AWS still finishes the new organization, which takes up to an hour; rerun then, nothing is lost",
    ),
    (
        r"ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        (
            "in the first hour of an organization AWS answers this too: rerun in an hour, nothing is lost; after that, "
            "raise the quota 'Default maximum number of accounts' in Service Quotas (us-east-1)"
        ),
    ),
    (
        r"ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED|CREATE_ACCOUNT_IN_PROGRESS",
        "AWS makes five accounts at a time; rerun in some minutes, nothing is lost",
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
            "a unit cannot move: AWS has no call for it. Add a unit with a new key where it shall be, move the "
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
    (r"ExpiredToken|InvalidClientTokenId|no valid credential sources", "sign in again, then rerun; nothing is lost"),
    (r"ThrottlingException|TooManyRequests|Rate exceeded", "AWS asks for patience; rerun, nothing is lost"),
)


def explained(workspace: Workspace, stack: str, found: Sequence[Failure], result: Result) -> Iterator[str]:
    """Yields what to do about a failed deploy, each advice once."""
    said = "\n".join(f"{failure.text} {failure.address or ''}" for failure in found) or result.text
    given: set[str] = set()
    for line in said.splitlines():
        advice = next((words for pattern, words in _ADVICE if re.search(pattern, line)), None)
        if advice and advice not in given:
            given.add(advice)
            yield advice
    if "Error acquiring the state lock" in said or "state blob is already locked" in said:
        yield from _locked(workspace, stack, result.text)
    elif not found:
        yield "Terraform was stopped before it finished; rerun, what was made is kept or adopted"


def _locked(workspace: Workspace, stack: str, said: str) -> Iterator[str]:
    pattern = r"ID:\s+([0-9a-f-]{36})"
    if not (lock := re.search(pattern, said)):  # cdktf may break a line in two: then Terraform itself is asked
        said = workspace.terraform(stack, "plan", "-input=false", "-refresh=false").text
        lock = re.search(pattern, said)
    who = re.search(r"Who:\s+(\S+)", said)
    yield f"the state is locked{f' by {who[1]}' if who else ''}; wait if somebody deploys right now"
    if lock:
        binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(stack)
        command = f"{word(binary)} -chdir={word(folder)} force-unlock -force {lock[1]}"
        yield f"if nobody does, a killed run left the lock; free it: {command}"
