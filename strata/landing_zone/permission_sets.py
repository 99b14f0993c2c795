"""The permission sets, those that options of sso.yaml make among them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from strata.config.models import Boundary, PolicyReference, Project, Sso
from strata.config.source import Location
from strata.landing_zone.placeholders import DocumentTemplate, placeholder_values

BREAK_GLASS = "BreakGlass"
STATE_ACCESS = "StateAccess"
"""Keys and names of the permission sets that options make."""

FULL_ACCESS = "AdministratorAccess"
AWS_MANAGED = "arn:aws:iam::aws:policy/"
"""What the ARN of a policy of AWS's has before its name."""


@dataclass(frozen=True)
class ManagedPolicy:
    """A policy by name: AWS's, or your own in every account."""

    aws: str = ""
    customer: str = ""
    path: str = "/"

    @property
    def name(self) -> str:
        """Returns its name, with the path if it is AWS's."""
        return self.aws or self.customer

    def __str__(self) -> str:
        return f"AWS policy {self.aws}" if self.aws else f"your policy {self.path}{self.customer}"


@dataclass(frozen=True)
class InlinePolicy:
    """A policy that is written out, in a file or by an option."""

    document: DocumentTemplate
    words: str
    file: str | None = None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class UnknownPolicies:
    """The policies of an external permission set: nobody knows here what it allows."""

    of: str

    def __str__(self) -> str:
        return f"what permission set {self.of} has, {OF_OTHERS}"


OF_OTHERS = "which others look after"
"""How the text of what is unknown for that ends."""
Held: TypeAlias = ManagedPolicy | InlinePolicy | UnknownPolicies


@dataclass(frozen=True)
class PermissionSet:
    """Its permissions in an account, as AWS gets them."""

    key: str
    name: str
    policies: tuple[Held, ...]
    location: Location
    """In sso.yaml."""
    description: str = ""
    session_duration: str = "PT1H"
    boundary: ManagedPolicy | None = None
    relay_state: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    option: str | None = None
    """The option that makes it."""
    keeps_tags: bool = False
    """Whether no file gives it tags, so that it keeps those that it has."""
    external: bool = False
    """Others look after it: it is looked up, and nothing of it is changed."""

    @property
    def is_known(self) -> bool:
        """Returns whether its policies are known."""
        return not any(isinstance(policy, UnknownPolicies) for policy in self.policies)

    @property
    def managed(self) -> tuple[ManagedPolicy, ...]:
        """Returns the policies that it has by name."""
        return tuple(policy for policy in self.policies if isinstance(policy, ManagedPolicy))

    @property
    def inline(self) -> InlinePolicy | None:
        """Returns the policy that is written out."""
        return next((policy for policy in self.policies if isinstance(policy, InlinePolicy)), None)


def all_permission_sets(sso: Sso, project: Project | None, documents: Mapping[str, str]) -> list[PermissionSet]:
    """Returns all permission sets, those of options first; two have a key where the YAML has an option's as well."""
    values = placeholder_values(project)
    permission_sets = [*_of_options(sso, project, values)]
    for key, permission_set in sso.permission_sets.items():
        if permission_set.external:
            name = permission_set.name or key
            of_others = UnknownPolicies(name)
            permission_sets.append(PermissionSet(key, name, (of_others,), ("permission_sets", key), external=True))
            continue
        policies = tuple(referenced_policy(policy, documents, values) for policy in permission_set.policies)
        permission_sets.append(
            PermissionSet(
                key,
                permission_set.name or key,
                policies,
                ("permission_sets", key),
                permission_set.description or "",
                permission_set.session_duration,
                boundary=managed_policy(permission_set.boundary) if permission_set.boundary else None,
                relay_state=permission_set.relay_state or "",
                tags=permission_set.tags,
                keeps_tags="tags" not in permission_set.model_fields_set,
            )
        )
    return permission_sets


def referenced_policy(
    reference: PolicyReference, documents: Mapping[str, str], values: Mapping[str, str]
) -> ManagedPolicy | InlinePolicy:
    """Returns the policy that a configuration names, with its document if it is a file."""
    if reference.inline is None:
        return managed_policy(reference)
    document = DocumentTemplate(documents.get(reference.inline, ""), values)
    return InlinePolicy(document, f"inline policy {reference.inline}", reference.inline)


def managed_policy(reference: PolicyReference | Boundary) -> ManagedPolicy:
    """Returns a policy that a configuration names."""
    return ManagedPolicy(reference.aws or "", reference.customer or "", reference.path or "/")


def _of_options(sso: Sso, project: Project | None, values: Mapping[str, str]) -> Iterator[PermissionSet]:
    if sso.break_glass:
        yield PermissionSet(
            BREAK_GLASS,
            BREAK_GLASS,
            (ManagedPolicy(aws=FULL_ACCESS),),
            ("break_glass",),
            "Emergencies only; every use raises an alert.",
            sso.break_glass.session_duration,
            option="break_glass",
        )
    if sso.state_access:
        read_only, kms = sso.state_access.read_only, bool(project and project.state.kms)
        template = json.dumps(state_access_policy(read_only=read_only, kms=kms), separators=(",", ":"))
        words = "Reads Terraform's state" if read_only else "Reads and writes Terraform's state"
        yield PermissionSet(
            STATE_ACCESS,
            STATE_ACCESS,
            (InlinePolicy(DocumentTemplate(template, values), words),),
            ("state_access",),
            "Terraform state in the management account.",
            option="state_access",
        )


def state_access_policy(*, read_only: bool, kms: bool) -> dict[str, Any]:
    """Returns the policy of the option state_access, with placeholders; AWS gives the key its ARN."""
    objects = ["s3:GetObject"] if read_only else ["s3:GetObject", "s3:PutObject"]
    uses = ["kms:Decrypt"] if read_only else ["kms:Decrypt", "kms:GenerateDataKey"]
    locks = ["dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"]
    statements: list[tuple[str, str | list[str], str]] = [
        ("List", "s3:ListBucket", "{{state_bucket_arn}}"),
        ("Objects", objects, "{{state_bucket_arn}}/*"),
    ]
    if kms:
        statements.append(("Key", uses, "{{state_key_arn}}"))
    if not read_only:
        statements.append(("ReleaseLockFiles", "s3:DeleteObject", "{{state_bucket_arn}}/*.tflock"))
        statements.append(("LockTable", locks, "{{lock_table_arn}}"))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
            for sid, actions, resource in statements
        ],
    }
