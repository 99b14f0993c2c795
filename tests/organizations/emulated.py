"""A description made at the emulated AWS, by the calls that people and their tools make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT, Aws
from tests.organizations import ImpossibleError, Organization, Thing, controls
from tests.organizations.answers import boundary, reference
from tests.organizations.described import AWS_POLICY

AT_ONCE = 4
"""So many calls are under way where nothing depends on their order."""


def emulate(there: Organization, aws: Aws) -> Emulated:
    """Makes an organization where there is none yet, and returns what AWS calls its things."""
    made = Emulated(there, aws)
    made.organize()
    aws.wait_an_hour()
    if there.center:
        aws.switch_identity_center_on(there.center)
        made.people()
        made.access()
    made.settings()
    aws.wait_an_hour()
    return made


class Emulated:
    """What was made.

    Attributes:
        ids: the ids that the emulated AWS gave, by kind and key.
    """

    def __init__(self, there: Organization, aws: Aws) -> None:
        self.there, self.side, self.aws = there, there.aws, aws
        self.organizations = aws.client("organizations")
        center = there.center or there.project["primary"]
        self.identities, self.admin = aws.client("identitystore", center), aws.client("sso-admin", center)
        self.ids: dict[tuple[str, str], str] = {("account", "management"): ACCOUNT}
        self.root = ""

    def id(self, kind: str, key: str) -> str:
        """Returns the id of a thing."""
        return self.ids[kind, key]

    def of(self, kind: str) -> dict[str, str]:
        """Returns the ids of a kind by key."""
        return {key: id for (kind_, key), id in self.ids.items() if kind_ == kind}

    def place(self, key: str) -> str:
        """Returns the id of the root, a unit or an account."""
        return self.root if key == "root" else self.ids.get(("unit", key)) or self.ids["account", key]

    # The organization

    def organize(self) -> None:
        """Makes what Organizations has."""
        call, side = self.organizations, self.side
        call.create_organization(FeatureSet="ALL")
        self.root = str(call.list_roots()["Roots"][0]["Id"])
        own = side.things["account", "management"]
        self.aws.order("management-account", name=own["name"], email=own["email"])
        self.aws.order("organization", account_limit=max(50, 2 * len(side.of("account"))))
        for name in side.of("service"):
            call.enable_aws_service_access(ServicePrincipal=name)
        self.aws.wait_an_hour()
        if side.has("service", "access-analyzer.amazonaws.com"):  # as AWS does where it is switched on in the console
            self.aws.client("iam").create_service_linked_role(AWSServiceName="access-analyzer.amazonaws.com")
        for type in side.of("policy type"):
            call.enable_policy_type(RootId=self.root, PolicyType=type)
        for one in sorted(side.of("unit").values(), key=self._depth):
            asked = {"ParentId": self.place(one["within"]), "Name": one["name"], "Tags": _listed(one["tags"])}
            self.ids[one.at] = call.create_organizational_unit(**asked)["OrganizationalUnit"]["Id"]
        for one in side.of("account").values():
            if one.key != "management":
                self.account(one, self.place(one["within"]))
        for one in side.of("policy").values():
            self._policy(one)
        for key in side.of("no full access"):
            call.detach_policy(PolicyId="p-FullAWSAccess", TargetId=self.place(key))
        for one in side.of("delegation").values():
            asked = {"AccountId": self.ids["account", one["account"]], "ServicePrincipal": one["service"]}
            call.register_delegated_administrator(**asked)

    def _depth(self, one: Thing) -> int:
        return 0 if one["within"] == "root" else 1 + self._depth(self.side.things["unit", one["within"]])

    def account(self, one: Thing, parent: str) -> str:
        """Makes an account in the root or a unit."""
        call, tags = self.organizations, _listed(one["tags"])
        self.ids[one.at] = id = self.aws.open_account(one["email"], one["name"], Tags=tags)
        if parent != self.root:
            call.move_account(AccountId=id, SourceParentId=self.root, DestinationParentId=parent)
        if one["state"] != "ACTIVE":
            self.aws.order("account-state", account=id, state=one["state"])
        return id

    def _policy(self, one: Thing) -> None:
        told = {"Name": one["name"], "Description": one["description"], "Type": one["type"]}
        made = self.organizations.create_policy(Content=one["document"], **told, Tags=_listed(one["tags"]))
        self.ids[one.at] = id = made["Policy"]["PolicySummary"]["Id"]
        for target in one["targets"]:
            self.organizations.attach_policy(PolicyId=id, TargetId=self.place(target))

    # Identity Center

    def people(self) -> None:
        """Makes users and groups; who was deleted since is made for their grants."""
        users, groups = list(self.side.of("user").values()), list(self.side.of("group").values())
        _each(self._user, users)
        _each(self._group, groups)
        outside = {
            kind: [one["name"] for one in some if one["external"]] for kind, some in (("u", users), ("g", groups))
        }
        self.aws.order("scim", users=outside["u"], groups=outside["g"])

    def _user(self, one: Thing) -> None:
        names = {"GivenName": one["given"], "FamilyName": one["family"]}
        emails = [{"Value": mail, "Type": "work", "Primary": not at} for at, mail in enumerate(one["emails"])]
        told = {"UserName": one["name"], "DisplayName": one["shown"], **({"Emails": emails} if emails else {})}
        self.ids[one.at] = self.identities.create_user(IdentityStoreId=STORE, Name=names, **told)["UserId"]

    def _group(self, one: Thing) -> None:
        told = {"Description": one["description"]} if one["description"] else {}
        made = self.identities.create_group(IdentityStoreId=STORE, DisplayName=one["name"], **told)
        self.ids[one.at] = made["GroupId"]
        for member in one["members"]:
            who = {"UserId": self.ids["user", member]}
            asked = {"IdentityStoreId": STORE, "GroupId": made["GroupId"], "MemberId": who}
            self.ids["membership", f"{one.key} {member}"] = self.identities.create_group_membership(**asked)[
                "MembershipId"
            ]

    def access(self) -> None:
        """Makes permission sets and assignments, attributes and entitlements."""
        _each(self._set, self.side.of("permission set").values())
        _each(self._grant, self.side.of("grant").values())
        for one, type, id in self.side.orphans:
            self._orphan(one, type, id)
        if some := self.side.of("attribute"):
            attributes = [{"Key": key, "Value": {"Source": [one["source"]]}} for key, one in some.items()]
            told = {"AccessControlAttributes": attributes}
            self.admin.create_instance_access_control_attribute_configuration(
                InstanceArn=INSTANCE, InstanceAccessControlAttributeConfiguration=told
            )
        for one in self.side.of("entitlement").values():
            who = {"identityCenter": {"userId": self.ids["user", one["who"]]}}
            application = f"arn:aws:account-access:us-east-1:{ACCOUNT}:application/app-1"
            given = {"principalRole": {"principal": who, "roleArn": one["role"]}}
            self.aws.client("account-access").create_entitlement(applicationArn=application, entitlement=given)

    def _set(self, one: Thing) -> None:
        more = {"Description": one["description"], "RelayState": one["relay_state"], "SessionDuration": one["session"]}
        given = {name: value for name, value in more.items() if value}
        made = self.admin.create_permission_set(
            InstanceArn=INSTANCE, Name=one["name"], Tags=_listed(one["tags"]), **given
        )
        self.ids[one.at] = arn = made["PermissionSet"]["PermissionSetArn"]
        about = {"InstanceArn": INSTANCE, "PermissionSetArn": arn}
        for named in one["aws"]:
            self.admin.attach_managed_policy_to_permission_set(**about, ManagedPolicyArn=f"{AWS_POLICY}{named}")
        for named in one["customer"]:
            self.admin.attach_customer_managed_policy_reference_to_permission_set(
                **about, CustomerManagedPolicyReference=reference(named)
            )
        if one["inline"]:
            self.admin.put_inline_policy_to_permission_set(**about, InlinePolicy=one["inline"])
        if one["boundary"]:
            told = boundary(one["boundary"])
            self.admin.put_permissions_boundary_to_permission_set(**about, PermissionsBoundary=told)

    def _grant(self, one: Thing) -> None:
        who = self.side.principal(one)
        self._assign(one, who.kind.upper(), self.ids[who.at])

    def _assign(self, one: Thing, type: str, principal: str) -> None:
        self.admin.create_account_assignment(
            InstanceArn=INSTANCE,
            PermissionSetArn=self.ids["permission set", one["set"]],
            TargetType="AWS_ACCOUNT",
            TargetId=self.ids["account", one["account"]],
            PrincipalType=type,
            PrincipalId=principal,
        )

    def _orphan(self, one: Thing, type: str, of: str) -> None:
        """Has somebody be there for the time of the assignment."""
        if ("gone", of) not in self.ids:
            self.ids["gone", of] = self._stranger(type, of)
        self._assign(one, type, self.ids["gone", of])
        self.ids[type.lower(), one["who"]] = self.ids["gone", of]

    def _stranger(self, type: str, of: str) -> str:
        if type == "GROUP":
            return str(self.identities.create_group(IdentityStoreId=STORE, DisplayName=of)["GroupId"])
        names = {"GivenName": "Gone", "FamilyName": "Gone"}
        made = self.identities.create_user(IdentityStoreId=STORE, UserName=of, DisplayName=of, Name=names)
        return str(made["UserId"])

    # The account

    def settings(self) -> None:
        """Sets the account and its regions as the controls say, takes away who is gone, and tags nothing."""
        for key, one in self.side.of("control").items():
            if key not in controls.SETTINGS:
                raise ImpossibleError(f"{key} is made by a deploy, not here")
            regions = ("",) if key in controls.OF_ACCOUNT else (str(self.there.project["primary"]),)
            for region in regions:
                _SET[key](self.aws, region, controls.setting(one, region))
        if "RootSessions" in self.side.of("root access"):
            self.aws.client("iam").enable_organizations_root_sessions()
        for (kind, of), id in self.ids.items():
            if kind == "gone":
                if any(type == "GROUP" for _, type, each in self.side.orphans if each == of):
                    self.identities.delete_group(IdentityStoreId=STORE, GroupId=id)
                else:
                    self.identities.delete_user(IdentityStoreId=STORE, UserId=id)


def _each(make: Callable[[Thing], None], some: Iterable[Thing]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(make, some))


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _camel(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"".join(map(str.title, name.split("_"))): value for name, value in values.items() if value}


_SET: Mapping[str, Callable[[Aws, str, Mapping[str, Any]], object]] = {
    "ebs_encryption": lambda aws, region, _: aws.client("ec2", region).enable_ebs_encryption_by_default(),
    "instance_metadata": lambda aws, region, found: aws.client("ec2", region).modify_instance_metadata_defaults(
        HttpTokens=found["http_tokens"], HttpPutResponseHopLimit=found["http_put_response_hop_limit"]
    ),
    "snapshot_public_access": lambda aws, region, found: aws.client("ec2", region).enable_snapshot_block_public_access(
        State=found["state"]
    ),
    "image_public_access": lambda aws, region, found: aws.client("ec2", region).enable_image_block_public_access(
        ImageBlockPublicAccessState=found["state"]
    ),
    "s3_public_access": lambda aws, _, found: aws.client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration={"BlockPublicAcls": False, **_camel(found)}
    ),
    "password_policy": lambda aws, _, found: aws.client("iam").update_account_password_policy(**_camel(found)),
}
