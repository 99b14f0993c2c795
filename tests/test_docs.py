"""The documentation keeps its word: commands parse, links lead somewhere, YAML is valid, permissions are enough."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from strata.cli import app
from strata.config.findings import FINDINGS
from strata.config.loader import FILES
from strata.config.models import Model, Organization, Project, Security, Sso
from strata.landing_zone.placeholders import fill
from strata.load import load
from strata.rules import warnings
from tests.bad_configurations import read as bad_configurations
from tests.bad_configurations import write as write_configuration
from tests.conftest import Golden, Variant
from tests.documents import CHECKOUT, PAGES, Block, anchors, blocks, commands, headings, inline, links
from tests.evaluation import allowed as granted
from tests.scenarios.aws_cli import UnknownLineError, parse
from tests.synthesized import SHIPPED, Deployment

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
SHELLS = ("", "sh", "bash", "console")
LANGUAGES = {*SHELLS, "yaml", "json", "python", "text", "mermaid"}
USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


# Commands


@every_page
def test_every_strata_command_line_parses(page: Path) -> None:
    """A command or option that does not exist, in a block or in the text, is a page that was forgotten."""
    wrong = [f"{where}: {line}: {why}" for where, line in strata_lines(page) if (why := refusal(line))]

    assert wrong == []


def test_every_command_is_documented() -> None:
    """Whoever reads the pages meets every command."""
    met = {shlex.split(line)[0] for page in PAGES for _, line in strata_lines(page)}

    assert set(group().commands) - met == set()


def strata_lines(page: Path) -> Iterator[tuple[str, str]]:
    """Yields what stands after `strata` wherever it is called, with where."""
    for block in blocks(page):
        for line in commands(block.text) if block.language in (*SHELLS, "yaml") else ():
            # A prompt, or the key of a step in a workflow, stands before some.
            for part in re.split(r"\s*(?:&&|\|\||[|;])\s*", re.sub(r"^(\$|(- )?run:) ", "", line)):
                if called := re.match(r"(?:\S+/)?strata (.+)", part):
                    yield str(block), re.sub(r"\s*>\s*\S+$", "", called[1])
    for code in inline(page):
        if called := re.match(r"(?:\S+/)?strata ([a-z-].*)", code):
            yield page.name, called[1]


@cache
def group() -> TyperGroup:
    """Returns the command line with its commands."""
    found = typer.main.get_command(app)
    assert isinstance(found, TyperGroup)
    return found


def refusal(line: str) -> str:
    """Returns why the command line would be refused, empty if it would not."""
    words = shlex.split(line)
    command = group().commands.get(words[0])
    if isinstance(command, TyperGroup):
        if not words[1:]:  # it names what is below it
            return ""
        words = words[1:]
        command = command.commands.get(words[0])
    if command is None:
        return "there is no such command"
    try:
        command.make_context(words[0], words[1:])
    except typer.Exit:  # --help
        return ""
    except USAGE_ERROR as error:
        return str(error)
    return ""


def every_command() -> list[str]:
    """Returns the words of every command, those below another among them."""
    inner = {name: one.commands for name, one in group().commands.items() if isinstance(one, TyperGroup)}
    return ["", *sorted([*group().commands, *(f"{name} {sub}" for name, below in inner.items() for sub in below)])]


@pytest.mark.parametrize("command", every_command())
def test_help_reads_well(command: str, golden: Golden) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], terminal_width=80, env={"COLUMNS": "80"})

    assert result.exit_code == 0
    golden(f"help/{command.replace(' ', '-') or 'strata'}.txt", result.stdout)


@every_page
def test_every_aws_command_line_is_known_to_botocore(page: Path) -> None:
    """Services, operations and their parameters are those of AWS's models."""
    wrong = []
    for where, line in aws_lines(page):
        try:
            parse(shlex.split(line))
        except UnknownLineError as error:
            wrong.append(f"{where}: {error}")

    assert wrong == []


OWN_COMMANDS = ("configure", "sso", "login")
"""What the AWS CLI does besides the operations of services."""


def aws_lines(page: Path) -> Iterator[tuple[str, str]]:
    for block in blocks(page):
        if block.language in SHELLS:
            for line in commands(block.text):
                called = re.match(r"aws (.+)", line)
                if called and called[1].split()[0] not in OWN_COMMANDS:
                    # A quoted document of the shell's is any document.
                    yield str(block), re.sub(r'"\{.*\}"', "'{}'", called[1])


def test_unknown_lines_are_noticed() -> None:
    """The two checks above are able to fail."""
    assert refusal("deploi") == "there is no such command"
    assert "--exit" in refusal("plan --exit")
    for line in ("s4api list-buckets", "s3api list-bucket", "s3api head-bucket --bukket x", "s3api head-bucket"):
        with pytest.raises(UnknownLineError):
            parse(shlex.split(line))


# Blocks, links, YAML


@every_page
def test_blocks_say_what_they_are(page: Path) -> None:
    """A fenced block has a language, so that a test knows whether to run, to parse or to leave it."""
    assert {str(block) for block in blocks(page) if block.language not in LANGUAGES} == set()
    assert page.read_text().count("\n```") % 2 == 0


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name a file that is there and, behind a #, a heading of it."""
    broken = []
    for link in links(page):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_messages_name_pages_and_headings_that_exist() -> None:
    """What a command refers to in docs/ is there: a message at night must not lead nowhere."""
    broken = []
    for file in sorted([*CHECKOUT.glob("strata/**/*.py"), *CHECKOUT.glob("stacks/**/*.py")]):
        text = file.read_text(encoding="utf-8")
        for heading, name in re.findall(r"(?:'([A-Z][^'\"]+)' in )?(docs/[\w-]+\.(?:md|json))", text):
            page = CHECKOUT / name
            if not page.exists() or (heading and heading not in headings(page)):
                broken.append(f"{file.name}: {heading!r} in {name}")

    assert broken == []


def yaml_blocks() -> list[Block]:
    """Returns all but steps of a workflow, which are a list."""
    return [block for page in PAGES for block in blocks(page, "yaml") if not block.text.startswith("- ")]


@pytest.mark.parametrize("block", yaml_blocks(), ids=str)
def test_yaml_is_configuration(block: Block) -> None:
    """Every YAML block fits one of the files: its keys are known and its values have the right shape."""
    from ruamel.yaml import YAML  # keeps `on` a word

    data = YAML(typ="safe", pure=True).load(block.text.replace("...", "example"))
    fitting = [name for name, known in top_level_keys().items() if set(data) <= known]
    if re.match(r"aws_\w+\.\S+$", next(iter(data))):
        fitting = ["imports.yaml"]

    assert fitting, f"no configuration file has all of {sorted(data)}"
    for name in fitting:
        if not (problems := shape_problems(name, data)):
            return
    pytest.fail("\n".join(problems))


MODELS: dict[str, type[Model]] = {
    "project.yaml": Project,
    "organization.yaml": Organization,
    "security.yaml": Security,
    "sso.yaml": Sso,
}


@cache
def top_level_keys() -> dict[str, set[str]]:
    """Returns the keys of each configuration file."""
    folder = CHECKOUT / "strata/schema"
    return {
        name: set(json.loads((folder / name.replace(".yaml", ".json")).read_text())["properties"]) for name in FILES
    }


def shape_problems(name: str, data: dict[str, Any]) -> list[str]:
    """Validates a part of a file: what only a whole file has, required keys at the top, is not asked for."""
    from pydantic import TypeAdapter, ValidationError

    if name == "imports.yaml":
        return [] if all(isinstance(value, str) for value in data.values()) else ["an import id is text"]
    problems = []
    for key, value in data.items():
        fields = MODELS[name].model_fields
        field = next(field for known, field in fields.items() if key in (known, field.alias))
        annotation: Any = field.annotation
        try:
            TypeAdapter(annotation).validate_python(_frozen(value))
        except ValidationError as error:
            problems += [f"{name}: {key}: {fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return problems


def _frozen(value: Any) -> Any:
    """Returns YAML with its lists as the tuples that the models want."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def test_everything_that_can_be_accepted_is_listed() -> None:
    page = (CHECKOUT / "docs/warnings.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert dict(table) == FINDINGS


def test_the_example_of_an_accepted_warning_accepts_it(tmp_path: Path) -> None:
    """What the page shows is what check prints, and its entry silences it."""
    page = CHECKOUT / "docs/warnings.md"
    (shown,) = (one for one in blocks(page, "console") if "warning: " in one.text)
    (entry,) = blocks(page, "yaml")
    write_configuration(tmp_path, bad_configurations()[0])
    policy = {"Sid": "Lab", "Effect": "Deny", "Action": "*", "Resource": "*"}
    document = f'{{"Version": "2012-10-17",\n"Statement": [\n\n{json.dumps(policy)}]}}'
    (tmp_path / "policies/lab.json").write_text(document)
    organization = (tmp_path / "organization.yaml").read_text()
    (tmp_path / "organization.yaml").write_text(organization.replace("deny-leaving.json", "lab.json"))

    before = warnings(load(tmp_path))
    (tmp_path / "accepted.yaml").write_text(entry.text)

    assert shown.text.splitlines()[1].removeprefix("warning: config/") in before
    assert len(warnings(load(tmp_path))) == len(before) - 1


def test_a_wrong_key_in_yaml_is_noticed() -> None:
    """The check above is able to fail, also below the top."""
    assert shape_problems("security.yaml", {"trail": {"mode": "on"}}) == []
    assert shape_problems("security.yaml", {"trail": {"mode": "on", "retention": 3}}) != []


def test_json_blocks_are_json() -> None:
    """Policy documents in the text are documents."""
    for page in PAGES:
        for block in blocks(page, "json"):
            json.loads(block.text)


# Upgrading a clone


def test_upgrading_a_clone_keeps_its_configuration(tmp_path: Path) -> None:
    """The block of docs/operate.md merges upstream's code, also when both changed config/, and keeps one's own."""
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    (upstream / "config").mkdir(parents=True)
    git(upstream, "init", "-q", "-b", "main")
    write(upstream, {"config/project.yaml": "name: example\n", "config/gone.json": "{}\n", "main.py": "1\n"})
    git(upstream, "add", ".")
    git(upstream, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", "--origin", "upstream", str(upstream), str(clone))
    write(clone, {"config/project.yaml": "name: acme\n"})
    git(clone, "commit", "-q", "-a", "-m", "ours")
    write(upstream, {"config/project.yaml": "name: new\n", "config/new.json": "{}\n", "main.py": "2\n"})
    git(upstream, "rm", "-q", "config/gone.json")
    git(upstream, "add", ".")
    git(upstream, "commit", "-q", "-m", "second")

    (block,) = blocks(CHECKOUT / "docs/operate.md", "sh", "Upgrading a clone")
    done = subprocess.run(
        ["sh", "-eu", "-c", block.text], cwd=clone, env=git_environment(), capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "main.py").read_text() == "2\n"
    assert (clone / "config/project.yaml").read_text() == "name: acme\n"
    assert sorted(file.name for file in (clone / "config").iterdir()) == ["gone.json", "project.yaml"]
    assert git(clone, "status", "--porcelain") == ""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=git_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def git_environment() -> dict[str, str]:
    """Returns an environment in which git knows nobody's settings."""
    import os

    person = {
        f"GIT_{role}_{what}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **person}


# Permissions

POLICIES = {name: json.loads((CHECKOUT / f"docs/{name}-policy.json").read_text()) for name in ("deployer", "reader")}
MANAGED_POLICY_SIZE = 6144
SERVICE_OF_TYPE = {
    "aws_accessanalyzer_": "access-analyzer",
    "aws_account_": "account",
    "aws_budgets_": "budgets",
    "aws_ce_": "ce",
    "aws_cloudtrail": "cloudtrail",
    "aws_cloudwatch_event_": "events",
    "aws_dynamodb_": "dynamodb",
    "aws_ebs_": "ec2",
    "aws_ec2_": "ec2",
    "aws_iam_": "iam",
    "aws_identitystore_": "identitystore",
    "aws_kms_": "kms",
    "aws_organizations_": "organizations",
    "aws_ram_": "ram",
    "aws_s3_": "s3",
    "aws_sns_": "sns",
    "aws_ssoadmin_": "sso",
}
"""What IAM calls the service of a resource type."""


def statements(policy: str) -> list[dict[str, Any]]:
    """Returns what somebody has: who deploys has both policies."""
    own: list[dict[str, Any]] = POLICIES[policy]["Statement"]
    return own if policy == "reader" else [*own, *statements("reader")]


def actions(policy: str) -> list[str]:
    return [action for statement in statements(policy) for action in statement["Action"]]


def allowed(policy: str, action: str) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in actions(policy))


def types(*deployments: Deployment) -> set[str]:
    """Returns the resource and data source types of all stacks."""
    addresses = {address for deployment in deployments for stack in deployment.values() for address in stack.addresses}
    return {address.removeprefix("data.").partition(".")[0] for address in addresses}


def service_of(type_name: str) -> str:
    found = next((service for prefix, service in SERVICE_OF_TYPE.items() if type_name.startswith(prefix)), None)
    assert found, f"{type_name} is new: add its service here and its actions to docs/deployer-policy.json"
    return found


def test_the_deployer_may_use_every_service_in_use_and_no_other(shipped: Deployment, company: Deployment) -> None:
    """Every service of a resource type of the stacks, or of a client that strata makes, and nothing besides."""
    wanted = {service_of(name) for name in types(shipped, company)} | {service for service, _ in own_calls()}

    assert {action.partition(":")[0] for action in actions("deployer")} == wanted


@pytest.mark.parametrize("policy", POLICIES)
def test_own_calls_are_allowed(policy: str) -> None:
    """Every call that strata makes is allowed to the deployer; to the reader, every one that only reads."""
    calls = {f"{service}:{action}" for service, action in own_calls()}
    if policy == "reader":
        calls = {call for call in calls if re.search(r":(Describe|Get|Head|List|View)", call)}

    assert {call for call in calls if not allowed(policy, call)} == set()


def test_the_reader_only_reads() -> None:
    """A plan changes nothing, and neither may whoever makes it."""
    reading = re.compile(r"[a-z0-9-]+:(Describe|Get|List|View)|kms:Decrypt$")

    assert [action for action in actions("reader") if not reading.match(action)] == []


def test_the_reader_is_what_the_role_that_plans_has(golden: Golden) -> None:
    """The document lives in strata/policies; docs/ has it with patterns for names, written by `make golden`."""
    patterns = {
        "state_bucket_arn": "arn:aws:s3:::*-terraform-state-*",
        "replica_bucket_arn": "arn:aws:s3:::*-terraform-state-*-replica",
        "trail_bucket_arn": "arn:aws:s3:::*-organization-trail-*",
        "lock_table_arn": "arn:aws:dynamodb:*:*:table/*-terraform-lock",
    }
    text = (CHECKOUT / "strata/policies/reader.json").read_text()

    golden("../../docs/reader-policy.json", fill(text, patterns))


READ_CALLS = {
    "aws_iam_account_password_policy": ("iam:GetAccountPasswordPolicy",),
    "aws_iam_openid_connect_provider": ("iam:GetOpenIDConnectProvider",),
    "aws_iam_organizations_features": ("iam:ListOrganizationsFeatures",),
    "aws_iam_role": ("iam:GetRole",),
    "aws_iam_role_policy": ("iam:GetRolePolicy",),
    "aws_iam_role_policy_attachment": ("iam:ListAttachedRolePolicies",),
    "aws_iam_roles": ("iam:ListRoles",),
    "aws_iam_service_linked_role": ("iam:GetRole",),
}
"""What the provider calls to read the types of IAM, of which the reader has no `Get*`."""


def test_the_reader_reads_all_of_iam_that_a_plan_compares(
    shipped: Deployment, company: Deployment, variant: Variant
) -> None:
    github = {"mode": "on", "repository": "acme/landing-zone", "repository_id": "456789", "owner_id": "123456"}
    pipeline = variant({"security.yaml": {"github_actions": github}})
    wanted = {name for name in types(shipped, company, pipeline) if name.startswith("aws_iam_")}

    assert wanted == set(READ_CALLS)
    assert [call for calls in READ_CALLS.values() for call in calls if not allowed("reader", call)] == []


CHANGES = {
    ("s3:PutBucketPolicy", "arn:aws:s3:::ex-terraform-state-123456789012"): True,
    ("s3:PutBucketPolicy", "arn:aws:s3:::ex-organization-trail-123456789012"): True,
    ("s3:PutBucketPolicy", "arn:aws:s3:::somebody-elses"): False,
    ("s3:GetObject", "arn:aws:s3:::ex-organization-trail-123456789012/AWSLogs/x"): False,
    ("cloudtrail:StopLogging", "arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization"): True,
    ("cloudtrail:StopLogging", "arn:aws:cloudtrail:us-east-1:123456789012:trail/audit"): False,
    ("dynamodb:UpdateTable", "arn:aws:dynamodb:us-east-1:123456789012:table/orders"): False,
    ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/admin"): False,
}


@pytest.mark.parametrize(("action", "resource"), CHANGES)
def test_the_deployer_changes_what_has_our_names(action: str, resource: str) -> None:
    assert granted({"Statement": statements("deployer")}, action, resource) is CHANGES[action, resource]


def test_the_deployer_passes_the_replication_role_to_s3_only() -> None:
    role = "arn:aws:iam::123456789012:role/ex-terraform-state-replication"
    document = {"Statement": statements("deployer")}

    assert granted(document, "iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"})
    assert not granted(document, "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not granted(document, "iam:PassRole", role)


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_fit_and_name_real_actions(policy: str) -> None:
    """Small enough for a managed policy; every action is an operation of AWS's, or one that only IAM knows by name."""
    document = json.dumps(POLICIES[policy], separators=(",", ":"))
    assert len(document) <= MANAGED_POLICY_SIZE

    unknown = {action for action in actions(policy) if not operations_matching(action)} - set(IAM_ONLY)
    assert unknown == set()


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_fit_the_names_of_the_configuration(policy: str) -> None:
    """The ARNs in them match the names that Strata gives to bucket, table and role by default."""
    project = load(SHIPPED).project
    names = (
        f"arn:aws:s3:::{project.state_bucket}/management/sso/terraform.tfstate",
        f"arn:aws:dynamodb:us-east-1:123456789012:table/{project.lock_table}",
    )
    listed = [statement["Resource"] for statement in statements(policy)]
    patterns = [one for entry in listed for one in ([entry] if isinstance(entry, str) else entry)]

    for name in names:
        assert any(pattern != "*" and fnmatchcase(name, pattern) for pattern in patterns), name


IAM_ONLY = (
    "budgets:ModifyBudget",
    "budgets:ViewBudget",
    "iam:PassRole",
    "s3:GetAccelerateConfiguration",
    "s3:GetAccountPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)
"""Actions that are named otherwise than the operation they allow (AWS's Service Authorization Reference)."""

ACTION_OF_OPERATION = {
    ("budgets", "DescribeBudget"): "ViewBudget",
    ("ce", "GetAnomalyMonitors"): "GetAnomalyMonitors",
    ("s3", "GetBucketEncryption"): "GetEncryptionConfiguration",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "ListObjectVersions"): "ListBucketVersions",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "PutBucketEncryption"): "PutEncryptionConfiguration",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "GetAccountPublicAccessBlock",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
}


@cache
def operations_matching(action: str) -> list[str]:
    service, _, pattern = action.partition(":")
    found = [
        operation
        for name in session().get_available_services()
        if name in CLIENT_SERVICES.get(service, (service,))
        for operation in session().get_service_model(name).operation_names
    ]
    return [operation for operation in found if fnmatchcase(operation, pattern)]


CLIENT_SERVICES = {
    "access-analyzer": ("accessanalyzer",),
    "s3": ("s3", "s3control"),
    "servicequotas": ("service-quotas",),
    "sso": ("sso-admin",),
}
"""What boto3 calls the services that IAM calls otherwise."""


@cache
def session() -> Any:
    from botocore.session import get_session

    return get_session()


@cache
def own_calls() -> frozenset[tuple[str, str]]:
    """Returns every AWS call in strata/ as service and action of IAM.

    A module's services are those of its `client("...")`; its calls are all names and texts in it that are operations of
    one of them, which finds rather too much than too little.
    """
    from botocore import xform_name

    found: set[tuple[str, str]] = set()
    for file in sorted((CHECKOUT / "strata").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        services = {
            str(node.args[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
            if node.args and isinstance(node.args[0], ast.Constant)
        }
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for service in services:
            model = session().get_service_model(service)
            for operation in model.operation_names:
                if xform_name(operation) in names:
                    action = ACTION_OF_OPERATION.get((service, operation), operation)
                    found.add((str(model.signing_name), action))
    assert ("organizations", "CreateOrganization") in found
    assert ("sso", "ProvisionPermissionSet") in found
    return frozenset(found)
