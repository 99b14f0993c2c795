"""The policies of who plans and deploys: enough for every type and command, nothing besides, as narrow as names are."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.config.layers import READER
from strata.kinds import KINDS
from strata.kinds.control import GITHUB
from strata.landing_zone.permissions import NAMES, STACKS, layer_permissions, permissions, remedy, template
from strata.load import load
from strata.policy.reference import reference
from tests.aws.permissions import ACTIONS as ACTION_OF_OPERATION
from tests.conftest import Golden
from tests.documents import CHECKOUT
from tests.evaluation import allowed
from tests.provider.facts import table
from tests.said import Said
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED, Deployment

MANAGED_POLICY_SIZE = 6144
LONGEST_NAME = "z" * 20

READING = re.compile(r"[a-z0-9-]+:(Describe|Get|List|Lookup|View)|kms:Decrypt$")
FILES = {
    name: CHECKOUT / "strata/policies" / (f"{name}.json" if name == READER else f"deployer/{name}.json")
    for name in NAMES
}
VERBS = ("creates", "reads", "updates", "deletes")
every_document = pytest.mark.parametrize("name", NAMES)


class Row(NamedTuple):
    """What one type needs."""

    verbs: dict[str, list[str]]
    never: dict[str, str]

    @property
    def actions(self) -> set[str]:
        """Returns what a document has to allow."""
        return {action for actions in self.verbs.values() for action in actions} - self.never.keys()


@cache
def rows() -> dict[str, Row]:
    """Returns the types; of an administrator's, the reading alone."""
    found = {}
    for type, row in table()["resources"].items():
        verbs = ("reads",) if row.get("administrator") else () if row.get("own") else VERBS
        found[type] = Row({verb: row[verb] for verb in verbs if verb in row}, row.get("never", {}))
    return {type: row for type, row in found.items() if row.verbs}


def statements(name: str) -> list[dict[str, Any]]:
    """Returns the statements of a document with its placeholders."""
    found: list[dict[str, Any]] = json.loads(template(name))["Statement"]
    return found


def granted(name: str) -> set[str]:
    """Returns the actions of a document."""
    return {action for statement in statements(name) for action in statement["Action"]}


@pytest.fixture(scope="module")
def used(shipped: Deployment, company: Deployment) -> dict[str, set[str]]:
    """The types and data sources of each stack, but for those of `github_actions`."""
    found, zone = defaultdict[str, set[str]](set), load(EVERY_OPTION)
    for kind in KINDS:
        found[kind.stack] |= {address.partition(".")[0] for address in kind.addresses(zone) if kind is not GITHUB}
    for deployment in (shipped, company):
        for stack, synthesized in deployment.items():
            found[stack] |= {address.rpartition(".")[0] for address in synthesized.addresses}
    return dict(found)


# The table


def test_the_table_has_every_type_of_the_stacks_and_no_other(used: dict[str, set[str]]) -> None:
    types = {one.type for one in GITHUB.resources}.union(*used.values())

    assert rows().keys() == {type for type in types if not type.startswith("data.")}
    assert {name for name, row in table()["data"].items() if "reads" in row} == {
        *("aws_identitystore_user", "aws_ssoadmin_permission_set"),  # of others, which neither configuration has
        *(type.removeprefix("data.") for type in types if type.startswith("data.")),
    }


def test_every_action_is_one_of_aws() -> None:
    known = reference()
    listed = {action for row in rows().values() for actions in row.verbs.values() for action in actions}
    listed |= {action for name in NAMES for action in granted(name)}

    unknown = {
        one for one in listed if not (found := known.service(one.split(":")[0])) or not found.action(one.split(":")[1])
    }
    assert unknown == set()


def wanted(used: dict[str, set[str]]) -> dict[str, set[str]]:
    """Returns what the types of each stack and all commands need, by document; the reader's is of all stacks."""
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    for stack, types in {**used, READER: {one.type for one in GITHUB.resources}}.items():
        for type in types:
            data = type.removeprefix("data.")
            found[stack] |= set(table()["data"][data]["reads"]) if data != type else rows()[type].actions
    every = own_calls().union(*found.values())
    reading = {action for action in every if READING.match(action) and action not in OF_STACKS}
    found = {name: actions - reading for name, actions in found.items()} | {READER: reading}
    for documents in table()["commands"].values():
        for name, actions in documents.items():
            found[name] |= set(actions)
    return found


OF_STACKS = {"iam:GetSAMLProvider", "iam:GetServiceLinkedRoleDeletionStatus"}
"""Reading that belongs to a change, and to no plan."""


@every_document
def test_a_document_allows_what_is_needed_and_nothing_else(
    name: str, used: dict[str, set[str]], golden: Golden
) -> None:
    """Every action of a type of the stack that its verbs call, and of the commands; no other."""
    needed, content = wanted(used)[name], json.loads(FILES[name].read_text())
    new = needed - granted(name)
    for statement in content["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action in needed]
    if name == READER:
        content["Statement"][0]["Action"] = sorted({*content["Statement"][0]["Action"], *new})
    else:
        services = groupby(sorted(new), lambda action: action.partition(":")[0])
        content["Statement"] += [everywhere(service, list(actions)) for service, actions in services]
    content["Statement"] = [one for one in content["Statement"] if one["Action"]]

    golden(f"../../{FILES[name].relative_to(CHECKOUT)}", json.dumps(content, indent=2) + "\n")


def everywhere(service: str, actions: list[str]) -> dict[str, Any]:
    """Returns the statement of new actions, until somebody names what it is about.

    `test_a_change_is_allowed_on_named_things_where_aws_knows_names` says where it must be named.
    """
    return {"Sid": service.title().replace("-", ""), "Effect": "Allow", "Action": actions, "Resource": "*"}


def test_the_changes_of_commands_are_those_of_the_source() -> None:
    """Every change that strata makes itself is in the table; what is there besides comes from Terraform."""
    listed: set[str] = set()
    for command, documents in table()["commands"].items():
        if command != "terraform":
            listed |= {action for actions in documents.values() for action in actions}

    # Only who has layers in accounts needs it, as docs/layers.md says.
    changes = {action for action in own_calls() if not READING.match(action)} - listed
    # A state has an argument of the name of another call.
    assert changes == {"sts:AssumeRole", "kms:EnableKeyRotation"}
    assert listed - own_calls() == set()


def test_the_reader_of_a_baseline_may_ask_what_drift_asks_in_its_account() -> None:
    zone = load(EVERY_OPTION)
    (statement,) = layer_permissions(zone.project, zone.layers["baseline"])["baseline/reader"]["Statement"]

    asked = {action for action in own_calls(members=True) if READING.match(action)}
    assert asked - {*statement["Action"]} == set()
    assert {"iam:ListAccountAliases"} <= {*statement["Action"]}


# The documents


@every_document
def test_a_document_fits_a_managed_policy_with_the_longest_names(name: str) -> None:
    project = load(SHIPPED).project
    longest = project.model_copy(
        update={
            "short_name": LONGEST_NAME,
            "state": project.state.model_copy(update={"bucket": "b" * 55, "table": "t" * 255}),
        }
    )

    assert len(permissions(longest)[name].text) <= MANAGED_POLICY_SIZE


@pytest.mark.parametrize("configuration", [SHIPPED, COMPANY], ids=["shipped", "company"])
def test_documents_are_filled_in(configuration: Path) -> None:
    """No placeholder is left, in text that is a policy of exact actions."""
    for document in permissions(load(configuration).project).values():
        assert "{{" not in document.text
        assert "*" not in "".join(action for one in document.content["Statement"] for action in one["Action"])


def test_the_reader_only_reads() -> None:
    """A plan changes nothing, and neither may whoever makes it."""
    assert [action for action in granted(READER) if not READING.match(action)] == []


ANYTHING = {
    "ce:CreateAnomalyMonitor": "its ARN has no name",
    "ce:CreateAnomalySubscription": "its ARN has no name",
    "organizations:CreateOrganizationalUnit": "it has no ARN yet",
    "organizations:CreatePolicy": "it has no ARN yet",
    "organizations:TagResource": "an account that is made has no ARN when it is tagged",
}
"""Actions that know resources, allowed on `*`."""


@pytest.mark.parametrize("name", STACKS)
def test_a_change_is_allowed_on_named_things_where_aws_knows_names(name: str) -> None:
    """Where AWS holds an action against an ARN, the statement has one, and one of the right kind."""
    for statement in statements(name):
        listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in statement["Action"]:
            service = reference().service(action.partition(":")[0])
            assert service is not None
            kinds = service.action(action.partition(":")[2]).resource_types  # type: ignore[union-attr]
            if listed == ["*"]:
                assert not kinds or action in ANYTHING, action
            else:
                assert kinds, f"{action} knows no resources, so {statement['Sid']} allows nothing"
                assert any(of_kind(one, kind.arn) for one in listed for kind in kinds), action


def of_kind(written: str, kind: str) -> bool:
    """Returns whether an ARN of a statement is, or covers, one of a kind."""
    if written.startswith("{{"):
        written = {"{{lock": "arn:aws:dynamodb:r:1:table/t"}.get(
            written[:6], "arn:aws:s3:::bucket"
        ) + written.partition("}}")[2]
    one = re.sub(r"\{\{.*?\}\}", "1", written).split(":", 5)
    other = re.sub(r"\$\{.*?\}", "x", kind).split(":", 5)
    tail, of = one[5].partition("/")[0], other[5].partition("/")[0]
    return one[2] == other[2] and (tail == of or "*" in (tail, one[5]) or of.startswith("x"))


CHANGES = {
    ("backend", "s3:PutBucketPolicy", "arn:aws:s3:::ex-terraform-state-123456789012"): True,
    ("backend", "s3:PutBucketPolicy", "arn:aws:s3:::ex-organization-trail-123456789012"): False,
    ("security", "s3:PutBucketPolicy", "arn:aws:s3:::ex-organization-trail-123456789012"): True,
    ("security", "s3:PutBucketPolicy", "arn:aws:s3:::ex-terraform-state-123456789012"): False,
    ("security", "cloudtrail:UpdateTrail", "arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization"): True,
    ("security", "cloudtrail:UpdateTrail", "arn:aws:cloudtrail:us-east-1:123456789012:trail/audit"): False,
    ("security", "sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:ex-alerts"): True,
    ("security", "sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:orders"): False,
    ("sso", "events:DeleteRule", "arn:aws:events:us-east-1:123456789012:rule/ex-root-activity"): False,
    ("backend", "dynamodb:UpdateTable", "arn:aws:dynamodb:us-east-1:123456789012:table/orders"): False,
    ("backend", "iam:PutRolePolicy", "arn:aws:iam::123456789012:role/admin"): False,
    ("backend", "iam:PutRolePolicy", "arn:aws:iam::123456789012:role/ex-terraform-state-replication"): True,
}


@pytest.mark.parametrize(("name", "action", "resource"), CHANGES)
def test_a_stack_changes_what_has_its_names(name: str, action: str, resource: str) -> None:
    document = permissions(load(SHIPPED).project)[name].content

    assert allowed(document, action, resource) is CHANGES[name, action, resource]


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_writes_its_own_state(name: str) -> None:
    """Neither the state of another stack, nor its lock and digest."""
    document = permissions(load(SHIPPED).project)[name].content
    bucket = "ex-terraform-state-123456789012"
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/ex-terraform-lock"

    for stack in STACKS:
        key = f"management/{stack}/terraform.tfstate"
        own = stack == name
        for row in (f"{bucket}/{key}", f"{bucket}/{key}-md5"):
            assert allowed(document, "dynamodb:PutItem", table, {"dynamodb:LeadingKeys": [row]}) is own
        assert allowed(document, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}") is own
        assert allowed(document, "s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}.tflock") is own
        assert not allowed(document, "s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}")


def test_the_replication_role_is_passed_to_s3_only() -> None:
    role = "arn:aws:iam::123456789012:role/ex-terraform-state-replication"
    document = permissions(load(SHIPPED).project)["backend"].content

    assert allowed(document, "iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"})
    assert not allowed(document, "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not allowed(document, "iam:PassRole", role)


def test_a_key_is_changed_by_its_alias() -> None:
    """A key of somebody else keeps its policy, whatever stack the deployer deploys."""
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    document = permissions(load(SHIPPED).project)["backend"].content

    assert allowed(document, "kms:PutKeyPolicy", key, {"kms:ResourceAliases": ["alias/ex-terraform-state"]})
    assert not allowed(document, "kms:PutKeyPolicy", key, {"kms:ResourceAliases": ["alias/orders"]})
    assert not allowed(document, "kms:PutKeyPolicy", key)


def test_a_remedy_names_document_and_statement() -> None:
    """In the letters of whoever refused: SNS writes its name in capitals."""
    told = remedy("SNS:Subscribe") or ""
    assert re.findall(r"`(.*?)` \(statement (\w+)\).* (\S+)", told) == [
        ("strata permissions security", "Alerts", "sns:Subscribe")
    ]
    assert remedy("s3:DeleteBucket") is None


# The command


@every_document
def test_the_command_prints_a_policy(name: str) -> None:
    result = CliRunner().invoke(app, ["permissions", name, "--config", str(SHIPPED)])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == permissions(load(SHIPPED).project)[name].content


def test_another_name_is_refused(said: Said) -> None:
    wrong = CliRunner().invoke(app, ["permissions", "securty", "--config", str(SHIPPED)])
    none = CliRunner().invoke(app, ["permissions", "--config", str(SHIPPED)])

    ((unknown,), (missing,)) = said(wrong), said(none)
    assert (wrong.exit_code, unknown.id, unknown.data) == (1, "unknown-name", {"name": "securty", "kind": "policy"})
    assert (none.exit_code, missing.id) == (2, "argument-missing")
    assert all(name in told.text for told in (unknown, missing) for name in NAMES)


# The calls of strata


OF_MANAGEMENT = ("contact.py", "primary_contact.py")


def in_member(file: Path) -> bool:
    """Returns whether a module asks in member accounts alone, by the role of a layer or the access role."""
    return file.parent.name == "members" and file.name not in OF_MANAGEMENT


@cache
def own_calls(*, members: bool = False) -> frozenset[str]:
    """Returns every AWS call in strata/ as action of IAM, of what asks in member accounts or of all else.

    A module's services are those of its `client("...")` and, where it takes them from a variable or works with Identity
    Center, the ones it names; its calls are all names and texts in it that are operations of one of them, which finds
    rather too much than too little.
    """
    found: set[str] = set()
    for file in sorted((CHECKOUT / "strata").rglob("*.py")):
        if in_member(file) is not members or file.name == "trying.py":  # an administrator tries
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = set(names_in(tree))
        patterns = {name for name in names if "*" in name}
        for service in services_in(tree):
            model = session().get_service_model(service)
            for operation in model.operation_names:
                name = snake(operation)
                if name in names or any(fnmatchcase(name, pattern) for pattern in patterns):
                    default = f"{model.signing_name}:{operation}"
                    found.add(ACTION_OF_OPERATION.get(f"{service}:{operation}", default))
    assert members or {"organizations:CreateOrganization", "sso:ProvisionPermissionSet"} <= found
    return frozenset(found)


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yields every attribute and text, an f-string as the pattern that it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
            text = "".join(map(str, parts))
            if re.fullmatch(r"(get|list|describe)_[a-z_*]+", text):
                yield text


def services_in(tree: ast.AST) -> set[str]:
    """Returns the services that a module calls."""
    clients = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "client"
        and node.args
    ]
    found = {str(argument.value) for argument in clients if isinstance(argument, ast.Constant)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    if any(not isinstance(argument, ast.Constant) for argument in clients):
        found |= texts & set(session().get_available_services())
    if any(isinstance(node, ast.Name) and node.id in ("Center", "Clients") for node in ast.walk(tree)):
        found |= {"identitystore", "sso-admin"}
    return found


def snake(operation: str) -> str:
    """Returns the name of an operation in boto3."""
    from botocore import xform_name

    return str(xform_name(operation))


@cache
def session() -> Any:
    from botocore.session import get_session

    return get_session()
