"""A preview before the first deploy: copies without a state, and what they read of each other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from strata.aws.resources import ResourceStatus
from strata.load import load
from strata.options import Options
from strata.terraform.planner import Planner
from strata.terraform.preview import Preview
from strata.terraform.progress import Progress
from strata.terraform.tools import find_terraform
from strata.terraform.workspace import NOT_KNOWN, Workspace
from tests.conftest import Golden
from tests.deploying import no_states
from tests.synthesized import SHIPPED

PROJECT = load(SHIPPED).project
BUCKET = ResourceStatus("state bucket", "s3://a in b", "create", ("tags",))
TABLE = ResourceStatus("lock table", "t in b", "complete", ("tags",))


def _s3(stack: str) -> dict[str, str]:
    return {"bucket": PROJECT.state_bucket, "key": f"management/{stack}/terraform.tfstate", "region": "us-east-1"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three stacks, each reading from the one before; the last knows what it declared before."""
    needs = {"backend": [], "organizations": ["backend"], "sso": ["organizations"]}
    for stack, reads in needs.items():
        sources: dict[str, Any] = {one: {"backend": "s3", "config": _s3(one)} for one in reads}
        data: dict[str, Any] = {"terraform_remote_state": sources}
        if stack == "sso":
            sources["own"] = {"backend": "s3", "config": _s3(stack), "count": "${contains(...)}"}
            data["aws_s3_objects"] = {"own": {"bucket": "b"}}
        document: dict[str, Any] = {"terraform": {"backend": {"s3": _s3(stack)}}, "data": data}
        if stack == "backend":
            document["import"] = [
                {"to": "aws_s3_bucket.state", "id": "b"},
                {"to": "aws_dynamodb_table.lock", "id": "t"},
            ]
        folder = tmp_path / "out/stacks" / stack
        folder.mkdir(parents=True)
        (folder / "cdk.tf.json").write_text(json.dumps(document))
    manifest = {"stacks": {name: {"dependencies": reads} for name, reads in needs.items()}}
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    return Workspace(tmp_path / "out", {})


def _preview(workspace: Workspace, folder: Path, *chosen: str, new: set[str], lacking: Any = ()) -> Preview | None:
    return Preview.of(workspace, chosen, without_state=new, lacking=lacking, folder=folder)


def test_there_is_none_where_all_that_is_planned_or_read_has_a_state(workspace: Workspace, tmp_path: Path) -> None:
    assert _preview(workspace, tmp_path, "backend", "organizations", new={"sso"}) is None


def test_a_stack_that_makes_nothing_never_gets_a_state(workspace: Workspace, tmp_path: Path) -> None:
    """The layer `accounts`, where accounts inherit tags alone."""
    shutil.copytree(workspace.stack_folder("sso"), workspace.stack_folder("accounts"))
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    manifest["stacks"]["accounts"] = {"dependencies": ["organizations"]}
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    workspace = Workspace(tmp_path / "out", {})

    assert _preview(workspace, tmp_path, "accounts", new={"accounts"}) is None
    beside = _preview(workspace, tmp_path, "accounts", new={"organizations", "accounts"})
    assert beside
    assert {*beside.stacks} == {"organizations", "accounts"}, "the first deploy makes the bucket of its state, too"


def test_a_copy_has_no_state_and_imports_nothing_that_is_not_there(
    workspace: Workspace, tmp_path: Path, golden: Golden
) -> None:
    everything = {"backend", "organizations", "sso"}
    preview = _preview(workspace, tmp_path, "sso", new=everything, lacking=(BUCKET, TABLE))

    assert preview
    documents = {stack: preview.workspace.document(stack) for stack in sorted(everything)}
    assert not any(preview.workspace.stack_folder(stack).is_relative_to(workspace.folder) for stack in everything)
    assert "s3" not in json.dumps([document["terraform"] for document in documents.values()])
    assert documents["backend"]["import"] == [{"to": "aws_dynamodb_table.lock", "id": "t"}]
    own = documents["sso"]["data"]["terraform_remote_state"]["own"]
    assert (own["count"], documents["sso"]["data"].keys()) == (0, {"terraform_remote_state"})
    assert [*preview.workspace.reads("sso")] == []
    assert preview.order(["sso"]) == ["backend", "organizations", "sso"]
    assert preview.as_json() == {
        "without_state": ["backend", "organizations", "sso"],
        "missing": ["state bucket", "lock table"],
        "assumed_outputs_of": ["backend", "organizations"],
    }
    golden("plan/preview.txt", "\n".join([*preview.told(), ""]))


def test_a_stack_with_a_state_keeps_it_and_reads_what_a_plan_of_another_says(
    workspace: Workspace, tmp_path: Path
) -> None:
    preview = _preview(workspace, tmp_path, "organizations", "sso", new={"organizations"})
    assert preview
    shown = {"planned_values": {"outputs": {"ids": {"value": {"a": "1", "b": True}}, "later": {}}}}
    preview.workspace.stack_folder("organizations").joinpath("cdk.tf.json").write_text(
        json.dumps({"output": {"ids": {"value": "${...}"}, "later": {"value": "${aws_x.y.id}"}}})
    )

    preview.learn("organizations", shown)
    preview.learn("sso", shown)

    document = preview.workspace.document("sso")
    source = document["data"]["terraform_remote_state"]["organizations"]
    assert document["terraform"]["backend"] == {"s3": _s3("sso")}
    assert source["backend"] == "local"
    assert json.loads(Path(source["config"]["path"]).read_text())["outputs"] == {
        "ids": {"value": {"a": "1", "b": True}, "type": ["object", {"a": "string", "b": "bool"}]}
    }
    assert preview.order(["sso"]) == ["organizations", "sso"]
    assert not preview.workspace.stack_folder("backend").is_relative_to(tmp_path / "backend.preview")


READS = "data.terraform_remote_state.cross-stack-reference-input-organizations.outputs"
UNKNOWN = {"triggers_replace": [f"${{{READS}.new}}", f"${{{READS}.new-one}}", f"${{{READS}.old}}"]}


@pytest.mark.parametrize(
    ("resources", "changes", "remarks"),
    [
        (
            {"given": UNKNOWN, "same": {"input": f"${{{READS}.old}}"}},
            {"terraform_data.given", "terraform_data.same"},
            0,
        ),
        ({"each": {"for_each": f"${{toset([{READS}.new])}}"}}, set(), 1),
    ],
)
def test_outputs_that_another_stack_has_yet_to_give_are_not_known(
    resources: dict[str, Any], changes: set[str], remarks: int, tmp_path: Path
) -> None:
    """By Terraform itself: only the outputs that are missing, and nothing that could be applied."""
    made, document = _reading(resources, tmp_path)

    planned = made.plan("sso", ["organizations"])

    assert ({*planned.changes}, len(planned.remarks)) == (changes, remarks)
    assert (planned.assumes, planned.waits_for) == ((), ("organizations",)) if remarks else (("organizations",), ())
    assert (planned.file, planned.versions, planned.error) == (None, {}, None)
    assert json.loads((tmp_path / "out/stacks/sso/cdk.tf.json").read_text()) == document
    unknown = {
        attribute.name: attribute.unknown for change in planned.changes.values() for attribute in change.attributes
    }
    assert remarks or (unknown["triggers_replace"], unknown["input"]) == (True, False)
    behind = json.dumps([its.written for its in planned.written.get("terraform_data.given", {}).values()])
    assert remarks or {"new.id", "new-one.id"} <= {text.partition("}")[0] for text in behind.split(NOT_KNOWN)}
    again = made.workspace.not_known("sso", {"a": None}, tmp_path).not_known("sso", {"b": None}, tmp_path)
    assert again.document("sso")


def test_outputs_that_the_plan_of_another_stack_knows_are_known(tmp_path: Path) -> None:
    """Such as the id of an account that it imports: else a plan replaces who has access there."""
    made, _ = _reading({"given": UNKNOWN}, tmp_path)
    folder = tmp_path / "out/stacks/organizations"
    folder.mkdir()
    outputs = {"new": '${upper("$${a}")}', "new-one": "${terraform_data.made.id}"}
    document = {
        "terraform": {"backend": {"local": {"path": str(tmp_path / "none.tfstate")}}},
        "resource": {"terraform_data": {"made": {}}},
        "output": {name: {"value": value, "sensitive": True} for name, value in outputs.items()},
    }
    (folder / "cdk.tf.json").write_text(json.dumps(document))

    made.plan("organizations")
    planned = made.plan("sso", ["organizations"])

    assert planned.assumes == ("organizations",)
    assert planned.changes["terraform_data.given"].arguments == {"triggers_replace": ["${A}", None, "111111111111"]}


def _reading(resources: dict[str, Any], tmp_path: Path) -> tuple[Planner, dict[str, Any]]:
    """Returns what plans a stack that reads outputs of another, and the Terraform of that stack."""
    folder, state = tmp_path / "out/stacks/sso", tmp_path / "organizations.tfstate"
    folder.mkdir(parents=True)
    outputs = {"old": {"value": "111111111111", "type": "string"}}
    state.write_text(json.dumps({"version": 4, "serial": 1, "lineage": "l", "outputs": outputs, "resources": []}))
    source = {"backend": "local", "config": {"path": str(state)}}
    document = {
        "terraform": {"backend": {"local": {"path": str(tmp_path / "sso.tfstate")}}},
        "data": {"terraform_remote_state": {"cross-stack-reference-input-organizations": source}},
        "resource": {"terraform_data": resources},
    }
    (folder / "cdk.tf.json").write_text(json.dumps(document))
    (folder / ".terraform.lock.hcl").touch()
    (tmp_path / "plans").mkdir()
    terraform = {**os.environ, "TERRAFORM_BINARY_NAME": str(find_terraform(os.environ))}
    return Planner(
        Workspace(tmp_path / "out", terraform), tmp_path / "plans", no_states(), Progress(Options(tmp_path))
    ), document
