"""The stand-in for AWS: plans, creates, reads, changes and deletes objects, and refuses what AWS refuses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.engine import catalog
from tests.engine.faults import Fault, kill_terraform, label, ordered_fault
from tests.engine.live import Live, Organization
from tests.engine.refusals import (
    Refused,
    Situation,
    check_account_creation,
    check_create,
    check_delete,
    check_update,
)
from tests.engine.schema import Block, ProviderSchema
from tests.engine.values import UNKNOWN, Computation, empty_object, holds_unknown, is_unknown, shaped
from tests.engine.world import (
    ACCOUNT,
    ORGANIZATIONAL_UNIT,
    Contents,
    Object,
    World,
    key_of,
    put,
    remove,
)

BUCKET = "aws_s3_bucket"
TABLE = "aws_dynamodb_table"
ORGANIZATION = "aws_organizations_organization"
RAM_SHARING = "aws_ram_sharing_with_organization"


class PartlyDone(Exception):
    """The object is there, but an error is reported."""

    def __init__(self, object: Object, text: str) -> None:
        super().__init__(text)
        self.object = object


class Cloud:
    """One configured provider: its account, its region, its default tags, and the world it works on."""

    def __init__(self, schema: ProviderSchema, world: World, region: str, default_tags: dict[str, str]) -> None:
        self.schema = schema
        self.world = world
        self.region = region
        self.live = Live(region)
        self._default_tags = default_tags
        self._account = ""
        self._organization: Organization | None = None
        self._fault = ordered_fault()

    @property
    def account(self) -> str:
        """The account that the provider works in."""
        if not self._account:
            self._account = self.live.caller_account()
        return self._account

    def organization(self, contents: Contents | None = None) -> Organization:
        """Describes the organization; having none is an error as at AWS."""
        self._organization = self._organization or self.live.organization()
        if self._organization is None:
            raise Refused("AWSOrganizationsNotInUseException: Your account is not a member of an organization")
        contents = contents or self.world.view()
        return replace(
            self._organization,
            services=self._organization.services | set(contents["services"]),
            policy_types=self._organization.policy_types | set(contents["policy_types"]),
        )

    def block(self, type: str) -> Block:
        """Returns the schema of a resource type."""
        return self.schema["resources"][type]

    def plan(self, type: str, prior: Object | None, proposed: Object, config: Object) -> tuple[Object, list[str]]:
        """Returns the planned object and the attributes whose change forces a replacement."""
        attributes = self.block(type)["attributes"]
        planned = dict(proposed)
        for name, attribute in attributes.items():
            if config[name] is None and name in catalog.DEFAULTS.get(type, {}):
                planned[name] = catalog.DEFAULTS[type][name]
            elif config[name] is None and prior is None and attribute["computed"]:
                planned[name] = UNKNOWN
        if "region" in attributes and config["region"] is None:
            planned["region"] = self.region
        if "tags_all" in attributes and config["tags_all"] is None:
            planned["tags_all"] = self._all_tags(config["tags"])
        return planned, [] if prior is None else self._replaced_by(type, prior, planned)

    def create(self, type: str, planned: Object) -> Object:
        """Creates an object and returns it with everything that AWS computes."""
        self._refuse_if_ordered("create", type, planned)
        object = self._create_account(planned) if type == ACCOUNT else self._create(type, planned)
        self._strike_after("create", type, object)
        return object

    def update(self, type: str, prior: Object, planned: Object) -> Object:
        """Changes an object."""
        self._refuse_if_ordered("update", type, planned)
        with self.world.transaction() as contents:
            object = self._computed(type, planned, contents)
            check_update(self._situation(type, object, contents, prior))
            _UPDATE_ASIDE.get(type, _nothing)(self, contents, object, prior)
            self._keep(contents, type, object)
            contents["calls"].append(("update", type, object["id"]))
        self._strike_after("update", type, object)
        return object

    def delete(self, type: str, prior: Object) -> None:
        """Deletes an object and what goes with it."""
        self._refuse_if_ordered("delete", type, prior)
        with self.world.transaction() as contents:
            check_delete(self._situation(type, prior, contents))
            _DELETE_ASIDE.get(type, _nothing)(self, contents, prior, None)
            remove(contents, type, prior)
            for dependent, attribute, own in catalog.GOES_WITH.get(type, ()):
                there = contents["objects"].get(dependent, {})
                kept = {key: found for key, found in there.items() if found.get(attribute) != prior[own]}
                contents["objects"][dependent] = kept
            contents["calls"].append(("delete", type, prior["id"]))
        self._strike_after("delete", type, prior)

    def read(self, type: str, state: Object) -> Object | None:
        """Returns an object as it is now, or None if it is gone."""
        self._refuse_if_ordered("read", type, state)
        found = self._stored(type, state)
        if type in _READ:
            found = _READ[type](self, found, state)
        if found is None:
            return None
        object = self.completed(type, found | ({"region": state["region"]} if "region" in state else {}))
        for name in (*catalog.NOT_READ_BACK.get(type, ()), *(name for name in ("timeouts",) if name in state)):
            object[name] = state[name]
        return object

    def imported(self, type: str, id: str) -> Object:
        """Returns the state that an import begins with; reading it says whether the object exists."""
        block = self.block(type)
        if "id" not in block["attributes"]:
            raise Refused(f"{type} has no id: the engine cannot import it")
        state = empty_object(block)
        state["id"] = id
        if "region" in block["attributes"]:
            state["id"], _, region = id.rpartition("@") if "@" in id else (id, "", "")
            state["region"] = region or self.region
        self._refuse_if_ordered("import", type, state)
        return state

    def completed(self, type: str, found: Object) -> Object:
        """Returns an object with everything that a seeded one may lack."""
        block = self.block(type)
        missing = {name for name, attribute in block["attributes"].items() if attribute["computed"]} - found.keys()
        object = empty_object(block) | found | dict.fromkeys(missing, UNKNOWN)
        self._fill_in(type, object, None)
        if type == ORGANIZATIONAL_UNIT:
            accounts = [self.describe_account(account) for account in self.accounts_in(found["id"])]
            object["accounts"] = shaped(block["attributes"]["accounts"]["type"], accounts)
        return object

    def accounts_in(self, parent: str) -> list[Object]:
        """Returns the member accounts directly under a parent."""
        root = self.organization().root_id
        return [account for account in self.world.list(ACCOUNT) if (account.get("parent_id") or root) == parent]

    def describe_account(self, account: Object) -> Object:
        """Returns an account as the lists of accounts show it."""
        object = dict.fromkeys(("arn", "joined_method", "joined_timestamp", "state", "status"), UNKNOWN) | account
        self._fill_in(ACCOUNT, object, None)
        names = ("arn", "email", "id", "name", "joined_method", "joined_timestamp", "state", "status")
        return {name: object[name] for name in names}

    def management_account(self) -> Object:
        """Returns the management account, whose name and e-mail the API at AWS_ENDPOINT_URL knows."""
        organization = self.organization()
        return {
            "id": organization.management_id,
            "arn": organization.management_arn,
            "email": organization.management_email,
            "name": organization.management_name,
            "joined_method": "INVITED",
            "joined_timestamp": catalog.NOW,
            "state": "ACTIVE",
            "status": "",
        }

    def describe_organization(self, contents: Contents | None = None) -> Object:
        """Returns the organization as resource and data source show it."""
        organization = self.organization(contents)
        management = self.management_account()
        members = [self.describe_account(account) for account in self.world.list(ACCOUNT)]
        members = [member for member in members if member["id"] != organization.management_id]
        types = [{"type": kind, "status": "ENABLED"} for kind in sorted(organization.policy_types)]
        root = {"id": organization.root_id, "arn": organization.root_arn, "name": "Root", "policy_types": types}
        return {
            "id": organization.id,
            "arn": organization.arn,
            "accounts": [management, *members],
            "non_master_accounts": members,
            "roots": [root],
            "feature_set": organization.feature_set,
            "aws_service_access_principals": sorted(organization.services),
            "enabled_policy_types": sorted(organization.policy_types),
            "master_account_arn": organization.management_arn,
            "master_account_email": organization.management_email,
            "master_account_id": organization.management_id,
            "master_account_name": organization.management_name,
        }

    def _all_tags(self, tags: Any) -> Any:
        return tags if is_unknown(tags) else {**self._default_tags, **(tags or {})}

    def _replaced_by(self, type: str, prior: Object, planned: Object) -> list[str]:
        block = self.block(type)
        forcing = {*catalog.FORCE_NEW.get(type, ()), "region"}
        if catalog.ANY in forcing:
            settable = {name for name, attribute in block["attributes"].items() if not _only_computed(attribute)}
            forcing = settable | block["blocks"].keys() - {"timeouts"}
            forcing -= {"id", "tags", "tags_all"}
        return sorted(name for name in forcing if name in planned and planned[name] != prior[name])

    def _create(self, type: str, planned: Object) -> Object:
        with self.world.transaction() as contents:
            _CREATE_FIRST.get(type, _nothing)(self, contents, planned, None)
            object = self._computed(type, planned, contents)
            check_create(self._situation(type, object, contents))
            _CREATE_ASIDE.get(type, _nothing)(self, contents, object, None)
            self._keep(contents, type, object)
            contents["calls"].append(("create", type, object["id"]))
        return object

    def _create_account(self, planned: Object) -> Object:
        """Creates an account as AWS does, which is not at once: others see it in flight meanwhile."""
        request = {"email": planned["email"], "pid": os.getpid()}
        with self.world.transaction() as contents:
            object = self._computed(ACCOUNT, planned, contents)
            check_account_creation(self._situation(ACCOUNT, object, contents))
            contents["accounts_in_flight"].append(request)
        time.sleep(float(os.environ.get("STRATA_ENGINE_DELAY", "0.02")))
        with self.world.transaction() as contents:
            contents["accounts_in_flight"].remove(request)
            self._keep(contents, ACCOUNT, object)
            contents["calls"].append(("create", ACCOUNT, object["id"]))
        return object

    def _situation(self, type: str, object: Object, contents: Contents, prior: Object | None = None) -> Situation:
        return Situation(type, object, contents, self.live, self.organization, prior)

    def _keep(self, contents: Contents, type: str, object: Object) -> None:
        not_there = (*catalog.NOT_READ_BACK.get(type, ()), "timeouts")
        put(contents, type, {name: value for name, value in object.items() if name not in not_there})

    def _stored(self, type: str, state: Object) -> Object | None:
        there = self.world.view()["objects"].get(type, {})
        return there.get(key_of(state)) or there.get(str(state["id"]))

    def _computed(self, type: str, planned: Object, contents: Contents) -> Object:
        object = dict(planned)
        self._fill_in(type, object, contents)
        if holds_unknown(object):
            raise RuntimeError(f"the engine left something unknown in {type} {label(object)}")
        return object

    def _fill_in(self, type: str, object: Object, contents: Contents | None) -> None:
        Computation(type, self.block(type), object, contents, self._context).fill_in()

    def _context(self, name: str) -> Any:
        """Returns what a template may name besides the object's own attributes."""
        if name == "partition":
            return "aws"
        if name == "region":
            return self.region
        if name == "account":
            return self.account
        if name == "organization":
            return self.organization().id
        if name == "root":
            return self.organization().root_id
        if account := self.world.get(ACCOUNT, name):
            return self.describe_account(account)
        return dict.fromkeys(("arn", "email", "name", "joined_method", "joined_timestamp"))

    def _refuse_if_ordered(self, operation: str, type: str, object: Object) -> None:
        if self._fault and self._fault.kind.startswith("error:") and self._fault.strikes(operation, type, object):
            raise Refused(self._fault.kind.removeprefix("error:"))

    def _strike_after(self, operation: str, type: str, object: Object) -> None:
        fault: Fault | None = self._fault
        if fault is None or not fault.strikes(operation, type, object):
            return
        if fault.kind == "kill-after":
            kill_terraform()
        if fault.kind == "fail-after":
            raise PartlyDone(object, f"STRATA_ENGINE_FAULT: {operation} was done, then failed")

    def create_organization(self, contents: Contents, planned: Object, prior: Object | None) -> None:
        """Creates the organization with its services and policy types."""
        self.live.create_organization(planned["feature_set"])
        self.change_organization(contents, planned, None)
        described = self.describe_organization(contents)
        planned |= {name: described[name] for name, value in planned.items() if is_unknown(value)}

    def change_organization(self, contents: Contents, object: Object, prior: Object | None) -> None:
        """Enables and really disables services first, policy types second, as the real provider does."""
        organization = self.organization()
        wanted = set(object["aws_service_access_principals"] or ())
        for principal in sorted(wanted ^ organization.services):
            on = principal in wanted
            known = self.live.set_service(principal, enabled=on)
            contents["services"] = _switched(contents["services"], principal, on and not known)
            contents["calls"].append(("enable_service" if on else "disable_service", ORGANIZATION, principal))
        wanted = set(object["enabled_policy_types"] or ())
        for policy_type in sorted(wanted ^ organization.policy_types):
            on = policy_type in wanted
            known = self.live.set_policy_type(organization.root_id, policy_type, enabled=on)
            contents["policy_types"] = _switched(contents["policy_types"], policy_type, on and not known)
            contents["calls"].append(("enable_policy_type" if on else "disable_policy_type", ORGANIZATION, policy_type))
        self._organization = None

    def delete_organization(self, contents: Contents, object: Object, prior: Object | None) -> None:
        """Deletes the organization."""
        self.live.delete_organization()
        self._organization = None

    def move_account(self, contents: Contents, object: Object, prior: Object | None) -> None:
        """Notes that an account moves to another parent."""
        if prior and prior["parent_id"] != object["parent_id"]:
            contents["calls"].append(("move", ACCOUNT, object["id"]))

    def let_account_go(self, contents: Contents, object: Object, prior: Object | None) -> None:
        """Closes an account or removes it from the organization; its e-mail address stays taken."""
        closes = bool(object["close_on_deletion"])
        contents["departed_accounts"].append({"id": object["id"], "email": object["email"], "closed": closes})
        contents["calls"].append(("close" if closes else "remove", ACCOUNT, object["id"]))

    def share_with_organization(self, contents: Contents, object: Object, prior: Object | None) -> None:
        """Enables trusted access for RAM, as EnableSharingWithAwsOrganization does by itself."""
        contents["services"] = _switched(contents["services"], "ram.amazonaws.com", True)

    def read_organization(self, found: Object | None, state: Object) -> Object | None:
        """Reads the organization from the API at AWS_ENDPOINT_URL."""
        self._organization = self._organization or self.live.organization()
        if self._organization is None or self._organization.id != state["id"]:
            return None
        return _overlaid(state, self.describe_organization())

    def read_account(self, found: Object | None, state: Object) -> Object | None:
        """Reads an account; one that is not active counts as gone (aws.md 7)."""
        if state["id"] == self.organization().management_id:
            return (found or {}) | self.management_account()
        return found if found and found.get("state") in ("ACTIVE", "PENDING_ACTIVATION") else None

    def read_bucket(self, found: Object | None, state: Object) -> Object | None:
        """Reads a bucket, which exists if it does at AWS_ENDPOINT_URL."""
        facts = self.live.bucket(state["id"])
        return None if facts is None else (found or {}) | facts

    def read_table(self, found: Object | None, state: Object) -> Object | None:
        """Reads a DynamoDB table from the API at AWS_ENDPOINT_URL."""
        facts = self.live.table(state["id"], state["region"])
        return None if facts is None else _overlaid(found or {}, facts)

    def read_ram_sharing(self, found: Object | None, state: Object) -> Object | None:
        """Reads sharing with the organization, which is gone without RAM's trusted access (aws.md 3)."""
        return found if "ram.amazonaws.com" in self.organization().services else None


Aside = Callable[[Cloud, Contents, Object, Object | None], None]


def _nothing(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    """Most types need nothing besides the object itself."""


def _create_bucket(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    cloud.live.create_bucket(object["bucket"], object["region"])


def _delete_bucket(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    cloud.live.delete_bucket(object["bucket"])


def _create_table(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    cloud.live.create_table(object, object["region"])


def _update_table(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    protected = bool(object["deletion_protection_enabled"])
    if prior and bool(prior["deletion_protection_enabled"]) != protected:
        cloud.live.protect_table(object["name"], object["region"], protected=protected)


def _delete_table(cloud: Cloud, contents: Contents, object: Object, prior: Object | None) -> None:
    cloud.live.delete_table(object["name"], object["region"])


def _only_computed(attribute: Any) -> bool:
    return not attribute["required"] and not attribute["optional"]


def _switched(names: list[str], name: str, on: bool) -> list[str]:
    return sorted({*names, name}) if on else [other for other in names if other != name]


def _overlaid(state: Object, facts: Object) -> Object:
    """Lays facts over a state; an empty fact does not show as a change of what the state leaves out."""
    return state | {name: value for name, value in facts.items() if value or state.get(name)}


_CREATE_FIRST: dict[str, Aside] = {ORGANIZATION: Cloud.create_organization}
_CREATE_ASIDE: dict[str, Aside] = {
    BUCKET: _create_bucket,
    TABLE: _create_table,
    RAM_SHARING: Cloud.share_with_organization,
}
_UPDATE_ASIDE: dict[str, Aside] = {
    ACCOUNT: Cloud.move_account,
    ORGANIZATION: Cloud.change_organization,
    TABLE: _update_table,
}
_DELETE_ASIDE: dict[str, Aside] = {
    ACCOUNT: Cloud.let_account_go,
    BUCKET: _delete_bucket,
    ORGANIZATION: Cloud.delete_organization,
    TABLE: _delete_table,
}
_READ: dict[str, Callable[[Cloud, Object | None, Object], Object | None]] = {
    ACCOUNT: Cloud.read_account,
    BUCKET: Cloud.read_bucket,
    ORGANIZATION: Cloud.read_organization,
    RAM_SHARING: Cloud.read_ram_sharing,
    TABLE: Cloud.read_table,
}
