"""The layers of docs/layers.md, made exactly as it says: one in the management account, and one in every account."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documents import CHECKOUT, blocks
from tests.scenarios.layers import PAGE, write_layer
from tests.scenarios.site import SANDBOX, Run, Site

ROLE = "OrganizationAccountAccessRole"

pytestmark = pytest.mark.only("stand-in")


def policy(heading: str) -> str:
    """Returns the policy under a heading of the page."""
    (block,) = blocks(PAGE, "json", heading)
    return block.text


def policy_of_management() -> str:
    """Returns the first policy as the page says to change it for the layer `directory`."""
    document = json.loads(policy("In every account").replace("topics_*", "directory"))
    document["Statement"] = [one for one in document["Statement"] if one["Action"] != "sts:AssumeRole"]
    return json.dumps(document)


class Clone:
    """A checkout of somebody with layers of his own, and the landing zone that it deploys."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder, self.site, self.home = folder, site, site.region
        folder.mkdir()
        for name in ("main.py", "cdktf.json", "package.json"):
            shutil.copy(CHECKOUT / name, folder)
        for name in ("stacks", "strata"):
            shutil.copytree(CHECKOUT / name, folder / name)
        shutil.rmtree(folder / "stacks/layers")
        (folder / "stacks/layers").mkdir()
        shutil.copy(CHECKOUT / "stacks/layers/__init__.py", folder / "stacks/layers")
        for name in (".venv", "node_modules"):
            (folder / name).symlink_to(CHECKOUT / name)
        (folder / "config").symlink_to(site.config)

    def add(self, layer: str) -> None:
        write_layer(self.folder, layer)

    def types(self, heading: str) -> None:
        """Types the lines of the page that make files."""
        (block,) = blocks(PAGE, "sh", heading)
        lines = "\n".join(line for line in block.text.splitlines() if not line.startswith("strata "))
        subprocess.run(["sh", "-eu", "-c", lines], cwd=self.folder, check=True)

    def sign_in(self, *policies: str) -> None:
        """Has commands run with `reader` and the policies that the page says, and no other permission."""
        reader, *_ = self.site.policies()
        self.site.aws.allow_only(reader, *policies)

    def strata(self, *arguments: str) -> Run:
        return self._run("-m", "strata", *arguments)

    def cdktf(self, *arguments: str) -> Run:
        return self._run("-c", "from strata.terraform.tools import cdktf; cdktf()", *arguments)

    def _run(self, *words: str) -> Run:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**self.site.environment(), "PYTHONPATH": os.environ["PYTHONPATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def accounts(self) -> dict[str, str]:
        """Returns the ids of the member accounts by key, which is in their address."""
        found = self.site.aws.client("organizations").list_accounts()["Accounts"]
        return {one["Email"].partition("+")[2].partition("@")[0]: one["Id"] for one in found if "+" in one["Email"]}

    def member(self, account: str, service: str) -> Any:
        """Returns a client of somebody in a member account."""
        import boto3

        aws = self.site.aws
        arn = f"arn:aws:iam::{account}:role/{ROLE}"
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.client(
            service,
            region_name=self.home,
            endpoint_url=aws.url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


@pytest.fixture
def clone(shipped: Site, tmp_path: Path) -> Clone:
    """A clone of the landing zone that is deployed, before there is any layer."""
    return Clone(tmp_path / "clone", shipped)


@pytest.mark.quick
def test_a_layer_of_the_management_account_deploys(clone: Clone) -> None:
    """An empty file switches it on; it gets the account ids and publishes them as the page says."""
    clone.add("directory")
    clone.types("In the management account")
    clone.sign_in(policy_of_management(), policy("In the management account"))

    deployed = clone.strata("deploy", "organizations", "directory", "--yes", "--json")

    assert deployed.code == 0, deployed.text
    ended = [(stack["stack"], stack["counts"]) for stack in json.loads(deployed.stdout)["stacks"]]
    assert ended == [("organizations", {}), ("directory", {"added": 3})]
    accounts = clone.accounts()
    names = [f"/ex/accounts/{key}" for key in ("management", "security", "shared")]
    found = clone.site.aws.client("ssm", clone.home).get_parameters(Names=names)["Parameters"]
    assert {parameter["Name"]: parameter["Value"] for parameter in found} == {
        "/ex/accounts/management": "123456789012",
        "/ex/accounts/security": accounts["security"],
        "/ex/accounts/shared": accounts["shared"],
    }


def test_a_layer_in_every_account(clone: Clone) -> None:
    """Each account gets its topic by its own role; one without the role is named and left out."""
    site = clone.site
    ids = clone.accounts()
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(policy("In every account"))

    deployed = clone.strata("deploy", "topics", "--yes")
    again = clone.strata("plan", "topics", "--exit-code")

    assert deployed.code == 0, deployed.text
    assert again.code == 0, again.text
    for key in ("security", "shared"):
        (topic,) = clone.member(ids[key], "sns").list_topics()["Topics"]
        assert topic["TopicArn"] == f"arn:aws:sns:{clone.home}:{ids[key]}:events"
        tags = clone.member(ids[key], "sns").list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            "Project": "example",
            "Layer": "topics",
            "ManagedBy": "strata",
        }
    here = [one["TopicArn"] for one in site.aws.client("sns", clone.home).list_topics()["Topics"]]
    assert not any(arn.endswith(":events") for arn in here), "only in the accounts"
    judged = clone.strata("doctor", "--json")
    assert [one.data["accounts"] for one in judged.told if one.id == "layer-deployed"] == [["security", "shared"]]

    role = clone.member(ids["shared"], "iam")
    role.delete_role(RoleName=ROLE)
    site.edit("layers/topics.yaml", ("events", "news"))
    partly = clone.strata("plan", "topics", "--exit-code", "--json")
    named = clone.strata("plan", "topics_shared", "--json")
    judged = clone.strata("doctor", "--json")
    role.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")

    assert partly.code == 3
    assert "warning: topics_shared: " in partly.stderr
    assert {stack: len(changes) for stack, changes in partly.planned.items()} == {"topics_security": 1}
    assert named.code == 1
    assert [(one.id, one.data["stacks"]) for one in named.told] == [("role-not-assumable", ["topics_shared"])]
    assert [one.data["accounts"] for one in judged.told if one.id == "role-not-assumable"] == [["shared"]]


def test_a_new_account_gets_its_layer_in_the_same_deploy(clone: Clone) -> None:
    """Its access role lets nobody in for its first minutes."""
    clone.site.edit("organization.yaml", SANDBOX)
    clone.add("topics")
    clone.types("In every account")
    clone.site.sign_in_as_deployer(policy("In every account"))

    deployed = clone.strata("deploy", "organizations", "topics", "--yes")

    assert deployed.code == 0, deployed.text
    (topic,) = clone.member(clone.accounts()["sandbox"], "sns").list_topics()["Topics"]
    assert topic["TopicArn"].endswith(":events")
    tried = [one.outcome for one in clone.site.aws.calls(action="sts:AssumeRole")]
    assert sum("AccessDenied" in outcome for outcome in tried) == 1


def test_an_account_is_emptied_before_it_is_retired(clone: Clone) -> None:
    """The refusal names the way, and the way works."""
    site = clone.site
    id = site.accounts()["aws+shared@example.com"]["Id"]
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(policy("In every account"))
    deployed = clone.strata("deploy", "topics", "--yes")
    assert deployed.code == 0, deployed.text
    organization, sso = (site.config / "organization.yaml").read_text(), (site.config / "sso.yaml").read_text()
    _retire(site)

    refused = clone.strata("plan", "organizations", "--json")

    assert refused.code == 1
    (told,) = [one for one in refused.told if one.id == "account-not-emptied"]
    assert re.search(r"organization\.yaml:\d+: accounts\.shared\.retired$", told.place)
    assert told.data == {"stack": "topics_shared", "account": "shared"}
    assert "aws_sns_topic.events" in told.text
    (command,) = re.findall(r"cdktf (destroy topics_shared)", told.text)
    (site.config / "organization.yaml").write_text(organization)
    (site.config / "sso.yaml").write_text(sso)
    emptied = clone.cdktf(*command.split(), "--auto-approve")
    assert emptied.code == 0, emptied.text[-3000:]
    assert clone.member(id, "sns").list_topics()["Topics"] == []
    _retire(site)
    planned = clone.strata("plan", "organizations", "topics")
    assert planned.code == 0, planned.text
    assert re.search(r"^  forget +aws_organizations_account.shared$", planned.stdout, re.MULTILINE), planned.text
    assert "topics_shared" not in planned.text


def _retire(site: Site) -> None:
    text = (site.config / "organization.yaml").read_text()
    text = re.sub(r"(  shared:\n    email: )", r"  shared:\n    retired: true\n    email: ", text, count=1)
    (site.config / "organization.yaml").write_text(text)
    text = (site.config / "sso.yaml").read_text().replace("      - shared\n", "      - security\n")
    (site.config / "sso.yaml").write_text(text.replace("      - security\n      - security\n", "      - security\n"))
