"""IAM and the account's own settings: roles, identity providers, password policy, root access, contacts, caller."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.provider.aws import Aws, Session
from tests.provider.mapping import Object
from tests.provider.resource import Resource, Tagging, words
from tests.provider.services.organizations import delete_service_linked_role

_UNSEEN = "Invalid principal in policy"
_FEATURES = {"RootCredentialsManagement": "root_credentials_management", "RootSessions": "root_sessions"}


class _Iam(Resource):
    service, gone = "iam", ("NoSuchEntity",)


class Role(_Iam, type="aws_iam_role"):
    title, names = "IAM Role", words(name="RoleName", unique_id="RoleId", assume_role_policy="AssumeRolePolicyDocument")
    make, get, drop, answer, id = "create_role", "get_role", "delete_role", "Role", "{name}"
    tagging, tags_in_answer = Tagging("", "tag_role", "untag_role", under="RoleName", by="name"), True

    def create(self, aws: Aws, new: Object) -> None:
        super().create(aws.patient(_UNSEEN), new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        role = {"RoleName": old["name"]}
        found = self.shown(aws, aws("get_role", **role)) or {}
        names = aws.all("list_role_policies", "PolicyNames", **role)
        documents = [aws("get_role_policy", **role, PolicyName=name)["PolicyDocument"] for name in names]
        attached = aws.all("list_attached_role_policies", "AttachedPolicies", **role)
        return {
            **found,
            "inline_policy": [
                {"name": name, "policy": json.dumps(text)} for name, text in zip(names, documents, strict=True)
            ],
            "managed_policy_arns": [policy["PolicyArn"] for policy in attached],
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        role, changed = {"RoleName": new["name"]}, self.changed(old, new)
        if "assume_role_policy" in changed:
            document = new["assume_role_policy"]
            aws.patient(_UNSEEN)("update_assume_role_policy", **role, PolicyDocument=document)
        if "description" in changed:
            aws("update_role_description", **role, Description=new["description"] or "")
        if "max_session_duration" in changed:
            aws("update_role", **role, MaxSessionDuration=new["max_session_duration"])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("list_instance_profiles_for_role", RoleName=old["name"])
        aws("delete_role", RoleName=old["name"])


class RolePolicy(_Iam, type="aws_iam_role_policy"):
    """A policy inside a role; creating overwrites."""

    title, names = "IAM Role Policy", words(role="RoleName", name="PolicyName", policy="PolicyDocument")
    make = change = "put_role_policy"
    get, drop, id = "get_role_policy", "delete_role_policy", "{role}:{name}"


class RolePolicyAttachment(_Iam, type="aws_iam_role_policy_attachment"):
    """A managed policy on a role."""

    title, names = "IAM Role Policy Attachment", words(role="RoleName")
    make, drop, id = "attach_role_policy", "detach_role_policy", "{role}/{policy_arn}"

    def read(self, aws: Aws, old: Object) -> Object | None:
        attached = aws.all("list_attached_role_policies", "AttachedPolicies", RoleName=old["role"])
        return {} if any(policy["PolicyArn"] == old["policy_arn"] for policy in attached) else None


class OpenIdConnectProvider(_Iam, type="aws_iam_openid_connect_provider"):
    """An identity provider; there is one for an issuer."""

    title, id = "IAM OIDC Provider", "{arn}"
    names = words(arn="OpenIDConnectProviderArn", client_id_list="ClientIDList")
    make, get, drop = (
        "create_open_id_connect_provider",
        "get_open_id_connect_provider",
        "delete_open_id_connect_provider",
    )
    tagging = Tagging(
        "", "tag_open_id_connect_provider", "untag_open_id_connect_provider", under="OpenIDConnectProviderArn"
    )
    tags_in_answer = True

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sends thumbprints if there are any, then adds clients, then removes them."""
        provider = {"OpenIDConnectProviderArn": new["arn"]}
        if "thumbprint_list" in self.changed(old, new) and new["thumbprint_list"]:
            aws("update_open_id_connect_provider_thumbprint", **provider, ThumbprintList=new["thumbprint_list"])
        before, after = set(old["client_id_list"]), set(new["client_id_list"])
        for client in sorted(after - before):
            aws("add_client_id_to_open_id_connect_provider", **provider, ClientID=client)
        for client in sorted(before - after):
            aws("remove_client_id_from_open_id_connect_provider", **provider, ClientID=client)


class PasswordPolicy(_Iam, type="aws_iam_account_password_policy"):
    """The password policy of the account; what is zero or false is not sent."""

    title, id, answer = "IAM Account Password Policy", "iam-account-password-policy", "PasswordPolicy"
    get, drop = "get_account_password_policy", "delete_account_password_policy"

    def create(self, aws: Aws, new: Object) -> None:
        """Replaces the whole policy."""
        sent = {name: value for name, value in new.items() if value}
        aws.send("update_account_password_policy", sent)
        self.name(new)

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            self.create(aws, new)


class OrganizationsFeatures(_Iam, type="aws_iam_organizations_features"):
    """Central management of the root users of member accounts."""

    title, gone = "IAM Organizations Features", ("OrganizationNotFoundException",)

    def create(self, aws: Aws, new: Object) -> None:
        """Enables what is wanted and leaves the rest alone."""
        answer = self._switch(aws, set(), set(new["enabled_features"]))
        new["id"] = answer["OrganizationId"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Shows all that is on, and is gone when nothing is."""
        found = aws("list_organizations_features").get("EnabledFeatures")
        return {"enabled_features": found} if found else None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Enables what is new, then disables what left."""
        self._switch(aws, set(old["enabled_features"]), set(new["enabled_features"]))

    def delete(self, aws: Aws, old: Object) -> None:
        """Disables what the state has."""
        self._switch(aws, set(old["enabled_features"]), set())

    def _switch(self, aws: Aws, old: set[str], new: set[str]) -> Object:
        answer: Object = {}
        for verb, features in (("enable", new - old), ("disable", old - new)):
            for feature in sorted(features):
                answer = aws(f"{verb}_organizations_{_FEATURES[feature]}")
        return answer


class ServiceLinkedRole(_Iam, type="aws_iam_service_linked_role"):
    """The role of a service. AWS takes no tags when it makes one."""

    title, id, answer = "IAM Service Linked Role", "{arn}", "Role"
    names = words(name="RoleName", unique_id="RoleId", aws_service_name="AWSServiceName")
    make = "create_service_linked_role"
    tagging, tags_in_answer = Tagging("", "tag_role", "untag_role", under="RoleName", by="name"), True

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it, and tags it after the id is set: a refused tag leaves it tainted."""
        super().create(aws, new)
        self._retag(aws, {}, {**new, "name": new["arn"].rpartition("/")[2]})

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads it by the name in its ARN."""
        path = old["id"].split("/")
        found = self.shown(aws, aws("get_role", RoleName=path[-1]), "get_role") or {}
        return {**found, "aws_service_name": path[-2], "custom_suffix": found["name"].partition("_")[2]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if "description" in self.changed(old, new):
            aws("update_role", RoleName=new["name"], Description=new["description"] or "")

    def delete(self, aws: Aws, old: Object) -> None:
        delete_service_linked_role(aws, old["name"])


class AlternateContact(Resource, type="aws_account_alternate_contact"):
    """A contact of the account, or of a member account; creating overwrites."""

    service, title, gone = "account", "Account Alternate Contact", ("ResourceNotFoundException",)
    make = change = "put_alternate_contact"
    get, drop, answer = "get_alternate_contact", "delete_alternate_contact", "AlternateContact"

    def name(self, new: Object) -> None:
        """The slash is there without an account too."""
        new["id"] = f"{new['account_id'] or ''}/{new['alternate_contact_type']}"


def _roles(session: Session, config: Object) -> Object:
    found = session.aws("iam").all("list_roles", "Roles", PathPrefix=config["path_prefix"])
    roles = [role for role in found if re.search(config["name_regex"] or "", role["RoleName"])]
    arns, names = (sorted(role[key] for role in roles) for key in ("Arn", "RoleName"))
    return {"id": session.region, "arns": arns, "names": names}


def _partition(session: Session, config: Object) -> Object:
    return {"id": "aws", "partition": "aws", "dns_suffix": "amazonaws.com", "reverse_dns_prefix": "com.amazonaws"}


DATA_SOURCES: dict[str, Callable[[Session, Object], Object]] = {
    "aws_iam_roles": _roles,
    "aws_partition": _partition,
}
