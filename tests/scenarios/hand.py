"""Somebody at the console, who changes by hand what was deployed."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from tests.aws.center import INSTANCE, STORE
from tests.scenarios.site import Site

Json = dict[str, Any]
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
"""A policy document, as anybody may write one."""


class Hand:
    """Somebody at the console, and the ids of what was deployed, by key."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.organizations, self.people = site.client("organizations"), site.client("identitystore")
        self.center, self.iam, self.ec2 = site.client("sso-admin"), site.client("iam"), site.client("ec2")

    @cached_property
    def state(self) -> dict[str, Json]:
        return {**self.site.state("organizations"), **self.site.state("sso")}

    def id(self, type: str, key: str, attribute: str = "id") -> str:
        return str(self.state[f"aws_{type}.{key}"][attribute])

    def account(self, key: str) -> str:
        return self.id("organizations_account", key)

    def unit(self, key: str) -> str:
        return self.id("organizations_organizational_unit", key)

    def policy(self, key: str) -> str:
        return self.id("organizations_policy", key)

    def user(self, key: str) -> str:
        return self.id("identitystore_user", key, "user_id")

    def group(self, key: str) -> str:
        return self.id("identitystore_group", key, "group_id")

    def looked_up(self, kind: str, key: str) -> str:
        state = json.loads(self.site.saved_state("sso"))
        is_it = {"mode": "data", "type": f"aws_identitystore_{kind}", "name": key}
        (one,) = [each for each in state["resources"] if is_it.items() <= each.items()]
        return str(one["instances"][0]["attributes"][f"{kind}_id"])

    def set(self, key: str) -> Json:
        return {"InstanceArn": INSTANCE, "PermissionSetArn": self.id("ssoadmin_permission_set", key, "arn")}

    def assignment(self, set_: str, group: str, account: str) -> Json:
        principal = {"PrincipalType": "GROUP", "PrincipalId": self.group(group)}
        return {**self.set(set_), "TargetType": "AWS_ACCOUNT", "TargetId": self.account(account), **principal}

    @property
    def root(self) -> str:
        return str(self.organizations.list_roots()["Roots"][0]["Id"])

    def updated(self, what: str, id: str, path: str, value: str) -> None:
        update = getattr(self.people, f"update_{what}")
        operations = [{"AttributePath": path, "AttributeValue": value}]
        update(**{"IdentityStoreId": STORE, f"{what.title()}Id": id, "Operations": operations})
