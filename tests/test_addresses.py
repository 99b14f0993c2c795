"""`strata.kinds.addresses` says offline what the stacks make and import: it equals what they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.base import BaseStack
from stacks.deployment import build
from strata.config.models import Control, Security
from strata.kinds import addresses, imported
from strata.landing_zone import LandingZone
from strata.load import load
from tests.synthesized import COMPANY, SHIPPED, Deployment


def _by_name(address: str) -> bool:
    """Says whether it is a policy or a unit, of which imports.yaml may have a line instead."""
    return address.partition(".")[0] in ("aws_organizations_policy", "aws_organizations_organizational_unit")


@pytest.mark.parametrize("name", ["shipped", "company"])
def test_the_addresses_are_those_that_are_synthesized(name: str, request: pytest.FixtureRequest) -> None:
    landing_zone = load({"shipped": SHIPPED, "company": COMPANY}[name])
    deployment: Deployment = request.getfixturevalue(name)
    resources = {
        stack: {one for one in made.addresses if not one.startswith("data.")} for stack, made in deployment.items()
    }
    assert addresses(landing_zone) == resources
    made = {address for stack in deployment.values() for address in stack.imports}
    assert imported(landing_zone) == {address for address in made if not _by_name(address)}


@pytest.mark.parametrize("mode", ["on", "off", "unmanaged"])
def test_the_addresses_are_those_the_stacks_make_in_every_mode(mode: str, tmp_path: Path) -> None:
    landing_zone = in_mode(mode, tmp_path)
    app = build(landing_zone, tmp_path / "out")
    layers = {child.node.id: child for child in app.node.children if isinstance(child, BaseStack)}
    assert addresses(landing_zone) == {name: layer.addresses for name, layer in layers.items()}
    made = {address for layer in layers.values() for address in layer._imports}
    assert imported(landing_zone) == {address for address in made if not _by_name(address)}


def in_mode(mode: str, folder: Path) -> LandingZone:
    """Returns a landing zone with every control in one mode; `on` has every option as well."""
    files = {
        "project.yaml": PROJECT,
        "organization.yaml": ORGANIZATION,
        "security.yaml": SECURITY,
        "sso.yaml": SSO,
        "deny.json": DENY,
    }
    if mode != "on":
        alone = "".join(f"{control}:\n  mode: {mode}\n" for control in Security.kinds(Control))
        files |= {"organization.yaml": "{}", "security.yaml": alone, "sso.yaml": "{}"}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    landing_zone = load(folder)
    assert mode != "on" or sum(one.option is not None for one in landing_zone.policies.values()) == 2
    return landing_zone


PROJECT = """\
name: acme
short_name: ac
management_account: {id: "210987654321", name: acme, email: aws@acme.io}
regions: {primary: eu-west-1, secondary: eu-central-1, governed: [us-east-1]}
identity_center: {region: eu-central-1}
state: {kms: true}
"""
ORGANIZATION = """\
organizational_units: {above: {organizational_units: {below: }}}
accounts:
  one: {email: one@acme.io, organizational_unit: below}
  two: {email: two@acme.io, organizational_unit: root}
  gone: {email: gone@acme.io, organizational_unit: root, retired: true}
policies:
  deny:
    type: SERVICE_CONTROL_POLICY
    file: deny.json
    targets: {root: true, organizational_units: [above, below], accounts: [one, management]}
delegated_administrators: {access-analyzer.amazonaws.com: one, config-multiaccountsetup.amazonaws.com: two}
ram_sharing: true
member_root_access: {sessions: false}
region_restriction: {allowed: [eu-west-1], targets: {accounts: [two]}}
ec2_defaults: {block_public_snapshots: false, targets: {root: true}}
"""
SECURITY = """\
instance_metadata: {mode: on}
alerts: {emails: [a.b+c@acme.io, D@acme.io]}
budget: {emails: [a@acme.io]}
anomaly_monitor: {mode: on, emails: [a@acme.io]}
alternate_contacts: {mode: on, billing: {name: N, title: T, email: a@acme.io, phone: "1"}}
github_actions: {mode: on, repository: acme/landing-zone, repository_id: "12", owner_id: "34"}
"""
SSO = """\
users: {ada: {given_name: Ada, family_name: L, email: ada@acme.io}}
groups: {admins: {members: [ada]}, outside: {external: true}}
permission_sets:
  Admin: {policies: [aws: AdministratorAccess, aws: job-function/Billing, customer: Own+Policy, inline: deny.json]}
  Bound: {policies: [aws: PowerUserAccess], boundary: {customer: Boundary}}
assignments:
  - {permission_sets: [Admin], groups: [admins, outside], users: [ada], accounts: all}
  - {permission_sets: [Bound], groups: [outside], organizational_units: [above]}
access_control_attributes: {Team: "${path:enterprise.department}"}
break_glass: {group: admins}
state_access: {groups: [admins]}
"""
DENY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}"""
