"""The states that a deploy of a description left, as Terraform writes them: version 4, one a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.organizations.controls import BUCKET, resources
from tests.organizations.described import AWS_POLICY, INSTANCE, MANAGEMENT, ORGANIZATION, ROOT, STORE, Side, Thing

Json = dict[str, Any]
Found = Iterator[tuple[str, Mapping[str, Any]]]


def states(side: Side, project: Mapping[str, Any]) -> dict[str, Json]:
    """Returns the state of each stack, of layers of one's own among them."""
    regions = tuple(sorted({project["primary"], *project.get("governed", ())}))
    stacks = {
        "backend": _backend(project),
        "organizations": _organizations(side, project),
        "security": resources(side, regions, project),
        "sso": _sso(side, project),
    }
    found = {stack: state(dict(some)) for stack, some in stacks.items()}
    found["sso"]["resources"] += [_resource(at, one, "data") for at, one in _looked_up(side)]
    found["organizations"]["outputs"] = _output(_keys(side, "account", "unit", "policy"))
    found["sso"]["outputs"] = _output(_keys(side, "user", "group", "permission set"))
    return {**found, **{key: state(one["resources"]) for key, one in side.of("layer").items()}}


def state(found: Mapping[str, Mapping[str, Any]]) -> Json:
    """Returns a state with resources by address."""
    told: Json = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "00000000-0000-0000-0000-000000000000",
    }
    return {
        **told,
        "outputs": {},
        "resources": [_resource(at, one) for at, one in found.items()],
        "check_results": None,
    }


def _resource(address: str, attributes: Mapping[str, Any], mode: str = "managed") -> Json:
    type, _, name = address.partition(".")
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    instance = {"schema_version": 0, "attributes": dict(attributes), "sensitive_attributes": []}
    return {"mode": mode, "type": type, "name": name, "provider": provider, "instances": [instance]}


def _output(keys: Json) -> Json:
    return {"declared_keys": {"value": keys, "type": "dynamic"}}


def _keys(side: Side, *kinds: str) -> Json:
    """Returns what each key stands for, as the stacks declare it: AWS tells names apart without case."""
    names = {"unit": "ou", "permission set": "permission-set"}
    return {
        names.get(kind, kind): {
            key: _identity(side, one) for key, one in side.of(kind).items() if not one.values.get("external")
        }
        for kind in kinds
    }


def _identity(side: Side, one: Thing) -> str:
    if one.kind == "account":
        return str(one["email"]).casefold()
    if one.kind == "unit":
        above = "" if one["within"] == "root" else f"{_identity(side, side.things['unit', one['within']])}/"
        return f"{above}{one['name'].casefold()}"
    if one.kind == "policy":
        return f"{one['type']}/{one['name']}"
    return str(one["name"] if one.kind == "permission set" else one["name"].casefold())


def _backend(project: Mapping[str, Any]) -> Found:
    own = f"{project['short_name']}-terraform-state-{MANAGEMENT}"
    for bucket, name in (("state", own), ("replica", f"{own}-replica")):
        yield from ((f"{type}.{bucket}", {"id": name}) for type in (*BUCKET, "aws_s3_bucket_versioning"))
    yield "aws_s3_bucket_replication_configuration.state", {"id": own}
    yield "aws_iam_role.replication", {"id": "replication"}
    yield "aws_iam_role_policy.replication", {"id": "replication:replication"}
    yield "aws_dynamodb_table.lock", {"id": f"{project['short_name']}-terraform-lock"}


def _part(text: str) -> str:
    """Returns a name as a part of an address."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def _tags(one: Thing, project: Mapping[str, Any], stack: str) -> Json:
    own = {"ManagedBy": "strata", "Project": project["name"], "Layer": stack} if project["default_tags"] else {}
    return {"tags": dict(one["tags"]) or None, "tags_all": {**own, **one["tags"]}}


def _organizations(side: Side, project: Mapping[str, Any]) -> Found:
    services, types = sorted(side.of("service")), sorted(side.of("policy type"))
    told: Json = {"id": ORGANIZATION, "feature_set": "ALL", "aws_service_access_principals": services}
    yield "aws_organizations_organization.main", {**told, "enabled_policy_types": types, "roots": [{"id": ROOT}]}
    for one in (each for each in side.of("account").values() if not each["retired"]):
        told = {"id": one.id, "name": one["name"], "email": one["email"], "parent_id": side.place(one["within"])}
        yield f"aws_organizations_account.{one.key}", {**told, **_tags(one, project, "organizations")}
    for one in side.of("unit").values():
        told = {"id": one.id, "name": one["name"], "parent_id": side.place(one["within"])}
        yield f"aws_organizations_organizational_unit.{one.key}", told
    for one in side.of("policy").values():
        told = {"id": one.id, "name": one["name"], "type": one["type"], "description": one["description"]}
        yield f"aws_organizations_policy.{one.key}", {**told, "content": one["document"]}
        for target in one["targets"]:
            id, kind = side.place(target), "ou" if side.has("unit", target) else "account"
            place = "root" if target == "root" else f"{kind}_{target}"
            told = {"id": f"{id}:{one.id}", "policy_id": one.id, "target_id": id}
            yield f"aws_organizations_policy_attachment.{one.key}_{place}", told
    for one in side.of("delegation").values():
        account, name = side.id("account", one["account"]), _part(one["service"].removesuffix(".amazonaws.com"))
        told = {"id": f"{account}/{one['service']}", "account_id": account, "service_principal": one["service"]}
        yield f"aws_organizations_delegated_administrator.{name}", told
        if name == "access-analyzer":
            yield "aws_iam_service_linked_role.access-analyzer", {"id": "arn:aws:iam::role/access-analyzer"}
    if side.of("ram sharing"):
        yield "aws_ram_sharing_with_organization.main", {"id": MANAGEMENT}
    if features := list(side.of("root access")):
        yield "aws_iam_organizations_features.main", {"id": ORGANIZATION, "enabled_features": features}


def _sso(side: Side, project: Mapping[str, Any]) -> Found:
    for one in side.of("user").values():
        if not one["external"]:
            yield f"aws_identitystore_user.{one.key}", _user(one)
    for one in side.of("group").values():
        if not one["external"]:
            told = {"group_id": one.id, "display_name": one["name"], "description": one["description"]}
            yield f"aws_identitystore_group.{one.key}", {"id": f"{STORE}/{one.id}", **told}
            yield from _members(one, side)
    for one in side.of("permission set").values():
        yield from _set(one, project)
    for one in side.of("grant").values():
        who, account, set_ = (
            side.principal(one),
            side.id("account", one["account"]),
            side.id("permission set", one["set"]),
        )
        told = {
            "target_id": account,
            "target_type": "AWS_ACCOUNT",
            "permission_set_arn": set_,
            "instance_arn": INSTANCE,
        }
        told |= {"principal_id": who.id, "principal_type": who.kind.upper()}
        name = f"{one['account']}_{one['set']}_{who.kind}_{who.key}"
        id = f"{who.id},{who.kind.upper()},{account},AWS_ACCOUNT,{set_},{INSTANCE}"
        yield f"aws_ssoadmin_account_assignment.{name}", {"id": id, **told}
    if some := side.of("attribute"):
        attributes = [{"key": key, "value": [{"source": [one["source"]]}]} for key, one in some.items()]
        yield "aws_ssoadmin_instance_access_control_attributes.main", {"id": INSTANCE, "attribute": attributes}
    yield from _alerts(side)


def _alerts(side: Side) -> Found:
    for name in ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target") if side.has("control", "alerts") else ():
        yield f"{name}.identity-center-settings", {"id": "identity-center-settings"}


def _user(one: Thing) -> Json:
    emails = [{"value": mail, "primary": True, "type": "work"} for mail in one["emails"][:1]]
    names = {"user_name": one["name"], "display_name": one["shown"]}
    full = [{"given_name": one["given"], "family_name": one["family"]}]
    return {"id": f"{STORE}/{one.id}", "user_id": one.id, **names, "name": full, "emails": emails}


def _members(one: Thing, side: Side) -> Found:
    for member in one["members"]:
        id = side.membership(one, member)
        told = {"id": f"{STORE}/{id}", "group_id": one.id, "member_id": side.id("user", member)}
        yield f"aws_identitystore_group_membership.{one.key}_{member}", told


def _set(one: Thing, project: Mapping[str, Any]) -> Found:
    whole, of_set = f"{one.id},{INSTANCE}", {"permission_set_arn": one.id, "instance_arn": INSTANCE}
    told = {"id": whole, "arn": one.id, "instance_arn": INSTANCE, "name": one["name"]}
    told |= {"description": one["description"] or None, "relay_state": one["relay_state"] or None}
    told |= {"session_duration": one["session"] or "PT1H"}
    yield f"aws_ssoadmin_permission_set.{one.key}", {**told, **_tags(one, project, "sso")}
    for name in one["aws"]:
        found = {"id": f"{AWS_POLICY}{name},{whole}", "managed_policy_arn": f"{AWS_POLICY}{name}"}
        yield f"aws_ssoadmin_managed_policy_attachment.{one.key}_{_part(name.rpartition('/')[2])}", {**found, **of_set}
    for named in one["customer"]:
        reference = _reference(named)
        id = f"{reference['name']},{reference['path']},{whole}"
        at = f"aws_ssoadmin_customer_managed_policy_attachment.{one.key}_{_part(reference['name'])}"
        yield at, {"id": id, "customer_managed_policy_reference": [reference], **of_set}
    if one["inline"]:
        found = {"id": whole, "inline_policy": one["inline"]}
        yield f"aws_ssoadmin_permission_set_inline_policy.{one.key}", {**found, **of_set}
    if named := one["boundary"]:
        own = [_reference(named)] if named.startswith("/") else []
        boundary = {
            "managed_policy_arn": None if own else f"{AWS_POLICY}{named}",
            "customer_managed_policy_reference": own,
        }
        at = f"aws_ssoadmin_permissions_boundary_attachment.{one.key}"
        yield at, {"id": whole, "permissions_boundary": [boundary], **of_set}


def _reference(named: str) -> dict[str, str]:
    path, _, name = named.rpartition("/")
    return {"name": name, "path": f"{path}/"}


def _looked_up(side: Side) -> Found:
    """Yields the data sources of whom an identity provider looks after."""
    for one in (*side.of("user").values(), *side.of("group").values()):
        if one["external"]:
            name = {"user_name" if one.kind == "user" else "display_name": one["name"]}
            id = {"id": f"{STORE}/{one.id}", f"{one.kind}_id": one.id}
            yield f"aws_identitystore_{one.kind}.{one.key}", {**id, **name}
