"""What AWS has of what is declared: read only as far as the comparison needs it, one function a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strata.config.models import LandingZone, state_key
from strata.config.types import REPLICA
from strata.identity.things import Holdings, Kind, Thing, exact
from strata.session import Aws, AwsError, Client, paginate


@dataclass(frozen=True)
class LiveAccount:
    """One account of the organization."""

    id: str
    email: str
    status: str


@dataclass(frozen=True)
class LiveUnit:
    """One organizational unit."""

    parent: str
    name: str


@dataclass(frozen=True)
class Met:
    """A user, group or permission set that AWS has under a declared name and no state knows.

    Attributes:
        id: what Terraform imports it by.
        holds: the members of a group, the accounts a permission set is assigned in, the groups of a user.
    """

    kind: Kind
    key: str
    id: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """What was seen of AWS; nothing of it where nothing was asked."""

    accounts: Mapping[str, LiveAccount] | None = None
    """By id; None when nobody asked."""
    units: Mapping[str, LiveUnit] = field(default_factory=dict)
    """By id: those beside which a unit is to be made."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """The keys of the recorded units below which these are, by id."""
    policies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By id: type and name of those of a type of which one is to be made."""
    met: tuple[Met, ...] = ()
    tagged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Stack to what AWS has that is tagged by it, where its state is empty."""
    elsewhere: tuple[str, ...] = ()
    """Other buckets that hold a state of ours."""
    bucket: str = ""
    unseen: tuple[str, ...] = ()
    """Why it could not be seen what a state of ours has made."""


def live(aws: Aws, landing_zone: LandingZone, declared: Holdings, recorded: Holdings) -> Live:
    """Returns what AWS has, as far as something declared is not recorded, or a state is empty.

    Raises:
        AwsError: AWS refused a call.
    """
    project = landing_zone.project
    new = _new(declared, recorded)
    met: tuple[Met, ...] = ()
    instance: tuple[str, str] | None = None
    if _asks_center(new, recorded):
        center = aws.client("sso-admin", project.identity_center_region)
        instance = instance_of(center, project.management_account.id)
    if instance:
        store = aws.client("identitystore", project.identity_center_region)
        met = (*_principals(store, instance[1], new), *_permission_sets(center, instance[0], new))
    organizations = aws.client("organizations")
    accounts = _accounts(organizations)
    traces = _Traces(aws, landing_zone, recorded)
    return Live(
        accounts=accounts,
        units=_units(organizations, new, recorded) if accounts else {},
        parents={unit.id: unit.key for unit in recorded.of("ou") if unit.id},
        policies=_policies(organizations, new) if accounts else {},
        met=met,
        tagged=traces.tagged(instance[0] if instance else None, has_organization=bool(accounts)),
        elsewhere=traces.elsewhere(),
        bucket=project.state_bucket,
        unseen=tuple(traces.unseen),
    )


New = Mapping[Kind, Sequence[Thing]]
"""What is declared and recorded nowhere: under its key, or, where AWS takes a new name, under its name."""


def _new(declared: Holdings, recorded: Holdings) -> New:
    found: dict[Kind, list[Thing]] = {}
    named = {(thing.kind, thing.identity) for thing in recorded.things.values()}
    for (kind, key), thing in sorted(declared.things.items()):
        has_key = (kind, key) in recorded.things
        renames = kind in ("group", "permission-set") and (kind, thing.identity) not in named
        if not has_key or renames:
            found.setdefault(kind, []).append(thing)
    return found


# The organization


def _accounts(client: Client) -> dict[str, LiveAccount]:
    """Reads the accounts; there are none before there is an organization."""
    try:
        return {
            one["Id"]: LiveAccount(one["Id"], one.get("Email", ""), one.get("State") or one.get("Status", ""))
            for one in paginate(client, "list_accounts", "Accounts[]")
        }
    except AwsError as error:
        if error.code == "AWSOrganizationsNotInUseException":
            return {}
        raise


def _units(client: Client, new: New, recorded: Holdings) -> dict[str, LiveUnit]:
    """Reads the units beside which one is to be made, which its import would find by name."""
    parents = {thing.identity.partition("/")[0] for thing in new.get("ou", ())}
    ids = {recorded.things["ou", key].id for key in parents if ("ou", key) in recorded.things}
    if "" in parents:
        ids |= set(paginate(client, "list_roots", "Roots[].Id"))
    return {
        unit["Id"]: LiveUnit(parent, unit["Name"])
        for parent in sorted(ids - {""})
        for unit in paginate(client, "list_organizational_units_for_parent", "OrganizationalUnits[]", ParentId=parent)
    }


_NO_SUCH_TYPE = frozenset({"InvalidInputException", "PolicyTypeNotEnabledException", "UnsupportedAPIEndpointException"})


def _policies(client: Client, new: New) -> dict[str, tuple[str, str]]:
    """Reads the policies of the types of which one is to be made, which its import would find by name."""
    found: dict[str, tuple[str, str]] = {}
    for type in sorted({thing.type for thing in new.get("policy", ())}):
        try:
            for one in paginate(client, "list_policies", "Policies[]", Filter=type):
                if not one.get("AwsManaged"):
                    found[one["Id"]] = (type, one["Name"])
        except AwsError as error:
            if error.code not in _NO_SUCH_TYPE:
                raise
    return found


# Identity Center


def _asks_center(new: New, recorded: Holdings) -> bool:
    return "sso" in recorded.empty or any(new.get(kind) for kind in ("user", "group", "permission-set"))


def instance_of(client: Client, owner: str) -> tuple[str, str] | None:
    """Returns the ARN and the identity store of the organization's instance, None where there is none."""
    for one in paginate(client, "list_instances", "Instances[]"):
        if one.get("OwnerAccountId") in (None, owner):
            return one["InstanceArn"], one["IdentityStoreId"]
    return None


_ATTRIBUTES = {"user": "userName", "group": "displayName"}


def _principals(client: Client, store: str, new: New) -> Iterator[Met]:
    """Looks up users and groups by name."""
    for thing in (*new.get("user", ()), *new.get("group", ())):
        found = _principal(client, store, thing)
        if found and thing.kind == "group":
            yield Met("group", thing.key, f"{store}/{found}", tuple(_members(client, store, found)))
        elif found:
            yield Met("user", thing.key, f"{store}/{found}", tuple(_groups_of(client, store, found)))


def _principal(client: Client, store: str, thing: Thing) -> str | None:
    attribute = {"AttributePath": _ATTRIBUTES[thing.kind], "AttributeValue": thing.name}
    try:
        answer = getattr(client, f"get_{thing.kind}_id")(
            IdentityStoreId=store, AlternateIdentifier={"UniqueAttribute": attribute}
        )
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return str(answer[f"{thing.kind.title()}Id"])


def _members(client: Client, store: str, group: str) -> Iterator[str]:
    """Yields the user names of a group's members, sorted."""
    ids = paginate(
        client, "list_group_memberships", "GroupMemberships[].MemberId.UserId", IdentityStoreId=store, GroupId=group
    )
    names = [client.describe_user(IdentityStoreId=store, UserId=user).get("UserName", user) for user in ids]
    yield from sorted(names)


def _groups_of(client: Client, store: str, user: str) -> Iterator[str]:
    """Yields the names of the groups a user is in, sorted."""
    ids = paginate(
        client,
        "list_group_memberships_for_member",
        "GroupMemberships[].GroupId",
        IdentityStoreId=store,
        MemberId={"UserId": user},
    )
    names = [client.describe_group(IdentityStoreId=store, GroupId=group).get("DisplayName", group) for group in ids]
    yield from sorted(names)


def _permission_sets(client: Client, instance: str, new: New) -> Iterator[Met]:
    """Looks up permission sets by name: AWS lists them without one."""
    wanted = {thing.identity: thing for thing in new.get("permission-set", ())}
    if not wanted:
        return
    for arn in paginate(client, "list_permission_sets", "PermissionSets[]", InstanceArn=instance):
        name = exact(_described(client, instance, arn)["Name"])
        if name in wanted:
            accounts = paginate(
                client,
                "list_accounts_for_provisioned_permission_set",
                "AccountIds[]",
                InstanceArn=instance,
                PermissionSetArn=arn,
            )
            yield Met("permission-set", wanted[name].key, f"{arn},{instance}", tuple(sorted(accounts)))


def _described(client: Client, instance: str, arn: str) -> Any:
    return client.describe_permission_set(InstanceArn=instance, PermissionSetArn=arn)["PermissionSet"]


# What a state of ours has made before


class _Traces:
    """Looks for what empty states have made before; what may not be seen is noted, and stops nothing.

    A run that was killed before its first state was written leaves tags too. Therefore they count only where the state
    of `backend` is empty, which is the first to be written.
    """

    def __init__(self, aws: Aws, landing_zone: LandingZone, recorded: Holdings) -> None:
        self.unseen: list[str] = []
        self._aws, self._landing_zone, self._empty = aws, landing_zone, recorded.empty
        self._lost = "backend" in recorded.empty

    def tagged(self, instance: str | None, *, has_organization: bool) -> dict[str, tuple[str, ...]]:
        """Returns what is tagged, by stack."""
        project, found = self._landing_zone.project, {}
        if not self._lost:
            return {}
        if instance and "sso" in self._empty:
            center = self._aws.client("sso-admin", project.identity_center_region)
            found["sso"] = self._seen(_tagged_sets(center, instance))
        if has_organization:
            client = self._aws.client("organizations")
            found["organizations"] = self._seen(_tagged_account(client, project.management_account.id))
        found["security"] = self._seen(_tagged_trails(self._aws.client("cloudtrail", project.regions.primary)))
        return {stack: things for stack, things in found.items() if things}

    def elsewhere(self) -> tuple[str, ...]:
        """Returns buckets that hold other states of ours."""
        return self._seen(_states_elsewhere(self._aws, self._landing_zone)) if self._lost else ()

    def _seen(self, found: Iterator[str]) -> tuple[str, ...]:
        things: list[str] = []
        try:
            things.extend(found)
        except AwsError as error:
            self.unseen.append(str(error))
        return tuple(things)


def _ours(tags: Sequence[Mapping[str, str]], stack: str) -> bool:
    found = {tag["Key"]: tag["Value"] for tag in tags}
    return found.get("ManagedBy") == "strata" and found.get("Layer") == stack


def _tagged_sets(client: Client, instance: str) -> Iterator[str]:
    for arn in paginate(client, "list_permission_sets", "PermissionSets[]", InstanceArn=instance):
        tags = list(paginate(client, "list_tags_for_resource", "Tags[]", InstanceArn=instance, ResourceArn=arn))
        if _ours(tags, "sso"):
            yield f"permission set {_described(client, instance, arn)['Name']}"


def _tagged_account(client: Client, account: str) -> Iterator[str]:
    """Yields the management account where `organizations` has adopted it before."""
    if _ours(list(paginate(client, "list_tags_for_resource", "Tags[]", ResourceId=account)), "organizations"):
        yield f"tags of organizations on account {account}"


def _tagged_trails(client: Client) -> Iterator[str]:
    for arn in paginate(client, "list_trails", "Trails[].TrailARN"):
        if arn.split(":")[3] != client.boto.meta.region_name:
            continue
        for found in client.list_tags(ResourceIdList=[arn])["ResourceTagList"]:
            if _ours(found.get("TagsList", ()), "security"):
                yield f"trail {arn.rpartition('/')[2]}"


def _states_elsewhere(aws: Aws, landing_zone: LandingZone) -> Iterator[str]:
    """Yields buckets that are ours and hold a state, besides the configured one and its replica."""
    project = landing_zone.project
    client = aws.client("s3", project.regions.primary)
    for name in paginate(client, "list_buckets", "Buckets[].Name"):
        if name in (project.state_bucket, project.replica_bucket) or name.endswith(REPLICA):
            continue
        if _is_tagged_bucket(client, name) and _has_state(client, name):
            yield name


def _is_tagged_bucket(client: Client, name: str) -> bool:
    try:
        return _ours(client.get_bucket_tagging(Bucket=name)["TagSet"], "backend")
    except AwsError:  # not tagged, or not to be seen, or elsewhere
        return False


def _has_state(client: Client, name: str) -> bool:
    try:
        client.get_object(Bucket=name, Key=state_key("backend"), Range="bytes=0-0")
    except AwsError:
        return False
    return True
