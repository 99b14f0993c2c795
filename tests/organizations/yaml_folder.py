"""The YAML of a description, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.organizations.controls import ALL
from tests.organizations.described import Side, Thing

Entries = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes lists indented, as Strata does, and nothing as an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def texts(side: Side, project: Mapping[str, Any]) -> dict[str, str]:
    """Returns the text of each file."""
    documents = {f"policies/{one.key}.json": one["document"] for one in side.of("policy").values()}
    documents |= {_inline(one): one["inline"] for one in side.of("permission set").values() if one["inline"]}
    files = {
        "project.yaml": project_yaml(side, project),
        "organization.yaml": _organization(side, project),
        "security.yaml": _security(side),
        "sso.yaml": _sso(side),
    }
    return {**{name: _written(entries) for name, entries in files.items()}, **documents}


def _written(entries: Entries) -> str:
    return yaml.dump(_given(**entries), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _given(**entries: Any) -> Entries:
    """Returns what there is something of."""
    return {name: value for name, value in entries.items() if value not in (None, "", (), [], {})}


def project_yaml(side: Side, project: Mapping[str, Any]) -> Entries:
    """Returns what project.yaml says."""
    own = side.things["account", "management"]
    regions = _given(
        primary=project["primary"], secondary=project["secondary"], governed=list(project.get("governed", ()))
    )
    more = {name: value for name, value in project.items() if name not in _KNOWN}
    return {
        "name": project["name"],
        "short_name": project["short_name"],
        **({} if project["default_tags"] else {"default_tags": False}),
        "management_account": {"id": own.id, "name": own["name"], "email": own["email"]},
        "regions": regions,
        **more,
    }


_KNOWN = ("name", "short_name", "default_tags", "primary", "secondary", "governed")


def _organization(side: Side, project: Mapping[str, Any]) -> Entries:
    features = side.of("root access")
    root_access = {"credentials_management": "RootCredentialsManagement", "sessions": "RootSessions"}
    delegated = {one["service"]: one["account"] for one in reversed(side.of("delegation").values())}
    return {
        "trusted_services": list(side.of("service")),
        "disable_services": [] if side.has("service", "account.amazonaws.com") else ["account.amazonaws.com"],
        "organizational_units": _units(side, "root"),
        "accounts": {key: _account(one, project) for key, one in side.of("account").items() if key != "management"},
        "policies": {key: _policy(one, side) for key, one in side.of("policy").items()},
        "delegated_administrators": dict(reversed(delegated.items())),
        "ram_sharing": True if side.of("ram sharing") else None,
        "member_root_access": {name: one in features for name, one in root_access.items()} if features else None,
    }


def _units(side: Side, within: str) -> Entries:
    return {
        key: _given(name=one["name"], organizational_units=_units(side, key))
        for key, one in side.of("unit").items()
        if one["within"] == within
    }


def _account(one: Thing, project: Mapping[str, Any]) -> Entries:
    name = one["name"] if one["name"] != f"{project['name']}-{one.key}" else None
    return _given(
        email=one["email"],
        organizational_unit=one["within"],
        name=name,
        tags=dict(one["tags"]),
        retired=one["retired"] or None,
    )


def _policy(one: Thing, side: Side) -> Entries:
    places = {
        "root": "root" in one["targets"],
        "organizational_units": [each for each in one["targets"] if side.has("unit", each)],
        "accounts": [each for each in one["targets"] if side.has("account", each)],
    }
    targets = {name: value for name, value in places.items() if value}
    name = one["name"] if one["name"] != one.key else None
    file = f"policies/{one.key}.json"
    return _given(type=one["type"], file=file, name=name, description=one["description"], targets=targets)


def _security(side: Side) -> Entries:
    on = side.of("control")
    return {key: {"mode": "on", **on[key]["parameters"]} if key in on else {"mode": "unmanaged"} for key in ALL}


def _sso(side: Side) -> Entries:
    return {
        "users": {key: _user(one) for key, one in side.of("user").items()},
        "groups": {key: _group(one) for key, one in side.of("group").items()},
        "permission_sets": {key: _set(one) for key, one in side.of("permission set").items()},
        "assignments": list(_assignments(side)),
        "access_control_attributes": {key: one["source"] for key, one in side.of("attribute").items()},
    }


def _user(one: Thing) -> Entries:
    if one["external"]:
        return {"external": True, "user_name": one["name"]}
    email = one["emails"][0] if one["emails"] else None
    shown = one["shown"] if one["shown"] != f"{one['given']} {one['family']}" else None
    names = {"given_name": one["given"], "family_name": one["family"]}
    return _given(**names, email=email, user_name=one["name"] if one["name"] != email else None, display_name=shown)


def _group(one: Thing) -> Entries:
    name = one["name"] if one["name"] != one.key else None
    if one["external"]:
        return _given(external=True, name=name)
    return _given(name=name, description=one["description"], members=list(one["members"])) or {"members": []}


def _set(one: Thing) -> Entries:
    policies: list[Entries] = [{"aws": each} for each in one["aws"]]
    policies += [_customer(each) for each in one["customer"]]
    policies += [{"inline": _inline(one)}] if one["inline"] else []
    boundary = (
        (_customer(one["boundary"]) if one["boundary"].startswith("/") else {"aws": one["boundary"]})
        if one["boundary"]
        else None
    )
    return _given(
        name=one["name"] if one["name"] != one.key else None,
        description=one["description"],
        session_duration=one["session"],
        relay_state=one["relay_state"],
        tags=dict(one["tags"]),
        policies=policies,
        boundary=boundary,
    ) or {"policies": []}


def _customer(named: str) -> Entries:
    path, _, name = named.rpartition("/")
    return _given(customer=name, path=f"{path}/" if path else None)


def _inline(one: Thing) -> str:
    return f"policies/{one.key}-inline.json"


def _assignments(side: Side) -> Iterator[Entries]:
    rules = dict[tuple[str, ...], list[str]]()
    for one in side.of("grant").values():
        kind = "groups" if side.principal(one).kind == "group" else "users"
        rules.setdefault((one["set"], kind, one["who"], one["reason"], one["until"]), []).append(one["account"])
    for (set_, kind, who, reason, until), accounts in rules.items():
        yield {"permission_sets": [set_], kind: [who], "accounts": accounts, **_given(reason=reason, until=until)}
