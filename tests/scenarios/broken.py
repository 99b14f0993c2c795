"""Mistakes that somebody could make in a stack, made in the Terraform that it becomes.

Run as a command it is Terraform: it puts the mistake into the stack in the folder that Terraform runs in, then becomes
Terraform.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def _import_another_account(stack: Json) -> None:
    for block in stack.get("import", ()):
        if block["to"] == "aws_organizations_account.management":
            block["id"] = "999999999999"


def _ignore_no_changes(stack: Json) -> None:
    for user in _entries(stack, "aws_identitystore_user").values():
        user.pop("lifecycle", None)


def _move_a_policy(stack: Json) -> None:
    attachments = _entries(stack, "aws_organizations_policy_attachment")
    if (attachment := attachments.pop("deny-root-user_ou_shared", None)) is not None:
        attachments["deny-root-user_shared"] = attachment


def _leave_out_what_aws_fills_in(stack: Json) -> None:
    for encryption in _entries(stack, "aws_s3_bucket_server_side_encryption_configuration").values():
        for rule in encryption["rule"]:
            rule.pop("blocked_encryption_types", None)


def _wait_for_nothing(stack: Json) -> None:
    for assignment in _entries(stack, "aws_ssoadmin_account_assignment").values():
        assignment.pop("depends_on", None)


MISTAKES: dict[str, Callable[[Json], None]] = {
    "a wrong import id": _import_another_account,
    "a dropped ignore_changes": _ignore_no_changes,
    "a changed address": _move_a_policy,
    "a perpetual difference": _leave_out_what_aws_fills_in,
    "a missing dependency": _wait_for_nothing,
}


def _entries(stack: Json, kind: str) -> Json:
    found: Json = stack.get("resource", {}).get(kind, {})
    return found


def main(terraform: str, mistake: str, arguments: list[str]) -> None:
    """Makes the mistake and becomes Terraform."""
    folder = next((each.removeprefix("-chdir=") for each in arguments if each.startswith("-chdir=")), ".")
    file = Path(folder, "cdk.tf.json")
    if file.exists():
        stack = json.loads(file.read_text())
        MISTAKES[mistake](stack)
        file.write_text(json.dumps(stack, indent=2))
    os.execv(terraform, [terraform, *arguments])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
