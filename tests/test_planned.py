"""Resources are plain JSON until somebody asks for the construct of cdktf, and the same in Terraform either way."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before the bindings, which it makes load lazily: else Python compiles all of them, which takes a minute.
from stacks.base import DOCSTRING, BaseStack

# isort: split
import cdktf
import cdktf_cdktf_provider_aws
import jsii
import pytest
from cdktf import (
    App,
    Aspects,
    IAspect,
    TerraformIterator,
    TerraformOutput,
    TerraformResource,
    TerraformResourceLifecycle,
    TerraformStack,
    Token,
)
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.inspector2_organization_configuration import Inspector2OrganizationConfiguration
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA, S3BucketVersioningVersioningConfiguration
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import IConstruct

from stacks.deployment import build
from stacks.organizations import OrganizationsStack
from stacks.planned import OTHERWISE
from strata.load import load
from tests.synthesized import COMPANY, SHIPPED, Deployment


@jsii.implements(IAspect)
class Seen:
    """Notes every construct that it visits."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def visit(self, node: IConstruct) -> None:
        self.paths.append(node.node.path)


CONTACT: dict[str, Any] = {
    "address_line1": "1 Street",
    "city": "a",
    "country_code": "DE",
    "full_name": "a",
    "phone_number": "+49",
    "postal_code": "1",
}


class Own(BaseStack):
    """A stack with a bucket and the topic that it tells, as somebody writes one."""

    def __init__(self, scope: App, id: str) -> None:
        super().__init__(scope, id, project=load(SHIPPED).project)
        self.bucket = self.add(S3Bucket, "files", bucket="files-${x}", tags={"Team": "a"})
        self.topic = self.add(SnsTopic, "events", name="events", depends_on=[self.bucket])


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path))


@pytest.fixture
def own(app: App) -> Own:
    return Own(app, "own")


def constructs(stack: TerraformStack) -> set[str]:
    return {one.node.id for one in stack.node.find_all() if TerraformResource.is_terraform_resource(one)}


def test_constructs_write_what_the_json_says(company: Deployment, tmp_path: Path) -> None:
    """An aspect on each stack has every resource made: types, blocks, references within and between stacks agree."""
    made = build(load(COMPANY), tmp_path)
    stacks = [child for child in made.node.children if TerraformStack.is_stack(child)]
    seen = Seen()
    Aspects.of(stacks[0]).add(seen)
    for stack in stacks[1:]:
        assert isinstance(stack, BaseStack)
        stack.make_constructs()
    made.synth()

    assert "backend/aws_s3_bucket.state" in seen.paths
    assert {name: stack.json for name, stack in Deployment(tmp_path).items()} == {
        name: stack.json for name, stack in company.items()
    }


def test_a_resource_is_no_construct_until_somebody_asks_for_it(own: Own) -> None:
    assert not isinstance(own.bucket, S3Bucket)
    assert own.bucket.fqn == "aws_s3_bucket.files"
    assert own.expression(own.bucket, "arn") == "${aws_s3_bucket.files.arn}"
    assert constructs(own) == set()
    made = own.bucket.construct()
    assert isinstance(made, S3Bucket)
    assert own.bucket.construct() is made
    assert constructs(own) == {"aws_s3_bucket.files"}
    own.make_constructs()
    assert constructs(own) == {"aws_s3_bucket.files", "aws_sns_topic.events"}


NEEDS_A_CONSTRUCT: dict[str, Callable[[Own], object]] = {
    "output": lambda own: TerraformOutput(own, "all", value={"topics": [own.topic]}),
    "what comes before": lambda own: S3Bucket(own, "late", depends_on=[own.topic]),
    "an aspect": lambda own: Aspects.of(own.topic),
    "an override of the stack": lambda own: own.add_override("locals.topic", own.topic),
    "text": lambda own: f"{own.topic}",
    "a method": lambda own: own.topic.add_override("name", "other"),
    "an attribute that it has not": lambda own: own.topic.arm,
    "a new value": lambda own: setattr(own.topic, "name", "other"),
}


@pytest.mark.parametrize("use", NEEDS_A_CONSTRUCT.values(), ids=NEEDS_A_CONSTRUCT)
def test_a_resource_in_place_of_its_construct_is_refused_in_one_line(own: Own, use: Callable[[Own], object]) -> None:
    """Node would take an empty object for it, and Python its address in memory for text."""
    with pytest.raises((TypeError, AttributeError)) as raised:
        use(own)

    assert re.fullmatch(r"aws_sns_topic\.events .*\.construct\(\).*|cannot assign to field 'name'", str(raised.value))


def test_what_leaves_the_state_has_no_construct(own: Own) -> None:
    with own.removing_from_state():
        gone = own.add(SnsTopic, "gone", name="gone")
    assert gone.arn == "aws_sns_topic.gone.arn"
    with pytest.raises(TypeError, match=r"^aws_sns_topic\.gone .* no construct"):
        gone.construct()
    assert constructs(own) == set()


def test_only_accounts_that_text_names_are_constructs(tmp_path: Path) -> None:
    """Policies name those that have a service delegated, other stacks take the first and make the rest of it."""
    zone = load(COMPANY)
    organizations = build(zone, tmp_path).node.find_child("organizations")
    assert isinstance(organizations, OrganizationsStack)
    made = {key for key, account in organizations.accounts.items() if account.fqn in constructs(organizations)}
    assert made >= {"management", *zone.organization.delegated_administrators.values()}
    assert len(made) < len(organizations.accounts) / 2


def test_constructs_of_the_bindings_refer_to_what_is_planned(app: App, own: Own, tmp_path: Path) -> None:
    """In the same stack and in another, as an argument, in a text and as what comes before."""
    configuration = S3BucketVersioningVersioningConfiguration(status="Enabled")
    S3BucketVersioningA(
        own,
        "versioning",
        bucket=own.bucket.id,
        versioning_configuration=configuration,
        depends_on=[own.topic.construct()],
    )
    other = Own(app, "other")
    SnsTopicPolicy(other, "policy", arn=own.topic.arn, policy=json.dumps({"Resource": f"{own.bucket.arn}/*"}))
    app.synth()
    found = {name: json.loads((tmp_path / f"stacks/{name}/cdk.tf.json").read_text()) for name in ("own", "other")}

    versioning = found["own"]["resource"]["aws_s3_bucket_versioning"]["versioning"]
    assert versioning["bucket"] == "${aws_s3_bucket.files.id}"
    assert versioning["depends_on"] == ["aws_sns_topic.events"]
    policy = found["other"]["resource"]["aws_sns_topic_policy"]["policy"]
    assert policy["arn"].startswith("${data.terraform_remote_state.cross-stack-reference-input-own.outputs.")
    assert found["own"]["output"]["cross-stack-output-aws_s3_bucketfilesarn"]["value"] == "${aws_s3_bucket.files.arn}"


def _override(own: Own) -> None:
    own.bucket.construct().add_override("force_destroy", True)


def _set(own: Own) -> None:
    own.bucket.construct().force_destroy = True


@pytest.mark.parametrize("change", [_override, _set])
def test_escape_hatches_reach_what_is_planned(own: Own, change: Any) -> None:
    change(own)
    bucket = json.loads(cdktf.Testing.synth(own))["resource"]["aws_s3_bucket"]["files"]
    assert bucket == {"bucket": "files-$${x}", "force_destroy": True, "tags": {"Team": "a"}}


def test_a_stack_alone_shows_all_it_has(own: Own) -> None:
    """`Testing.synth` prepares no stack."""
    own.add_json(SnsTopic, "plain", name="plain")
    found = cdktf.Testing.synth(own)
    assert cdktf.Testing.to_have_resource_with_properties(found, "aws_sns_topic", {"name": "events"})
    assert set(json.loads(found)["resource"]["aws_sns_topic"]) == {"events", "plain"}


def test_a_construct_of_the_bindings_comes_before_what_is_planned(own: Own) -> None:
    topic = SnsTopic(own, "first", name="first")
    own.add(SnsTopic, "second", name="second", depends_on=[topic, own.bucket])
    found = json.loads(cdktf.Testing.synth(own))["resource"]["aws_sns_topic"]
    assert found["second"]["depends_on"] == ["aws_sns_topic.first", "aws_s3_bucket.files"]


def test_a_dynamic_block_is_one(own: Own) -> None:
    names = TerraformIterator.from_list(["a", "b"])
    attributes = names.dynamic({"name": cdktf.Token.as_string(names.value), "type": "S"})
    own.add(DynamodbTable, "locks", name="locks", attribute=attributes)
    table = json.loads(cdktf.Testing.synth(own))["resource"]["aws_dynamodb_table"]["locks"]
    assert table["dynamic"]["attribute"]["content"] == {"name": "${each.value}", "type": "S"}


def test_blocks_that_are_dicts_have_the_names_of_terraform(own: Own) -> None:
    """The bindings take a dict in the place of a class."""
    scanned = {"ec2": True, "ecr": True, "lambda_": True}
    own.add(Inspector2OrganizationConfiguration, "main", auto_enable=scanned)
    found = json.loads(cdktf.Testing.synth(own))["resource"]["aws_inspector2_organization_configuration"]["main"]
    assert found["auto_enable"] == {"ec2": True, "ecr": True, "lambda": True}


@pytest.mark.parametrize("lifecycle", [TerraformResourceLifecycle, dict])
def test_what_has_a_resource_replaced_is_an_address_either_way(own: Own, lifecycle: Any) -> None:
    """Terraform takes the names alone here, and cdktf would write `${...}` around them."""
    triggers = lifecycle(replace_triggered_by=[own.bucket.fqn, own.topic.fqn])
    own.add(SnsTopic, "after", name="after", lifecycle=triggers)
    own.make_constructs()
    found = json.loads(cdktf.Testing.synth(own))["resource"]["aws_sns_topic"]["after"]
    assert found["lifecycle"] == {"replace_triggered_by": ["aws_s3_bucket.files", "aws_sns_topic.events"]}


@pytest.mark.e2e
def test_every_class_of_the_bindings_is_written_as_cdktf_writes_it() -> None:
    """Reads all of them as text, Python beside JavaScript: names of types, names of arguments, and nulls."""
    folder = Path(cdktf_cdktf_provider_aws.__file__).parent
    modules = {one.parent.name.replace("_", ""): one for one in folder.glob("*/__init__.py")}
    (archive,) = folder.glob("_jsii/*.tgz")
    types, others = 0, set[str]()
    with tarfile.open(archive) as assembly:
        for member in assembly:
            _, _, module, *rest = f"{member.name}//".split("/")
            if member.name.endswith(".js") and rest[0] and (content := assembly.extractfile(member)):
                script, python = content.read().decode(), modules[module.replace("-", "")].read_text()
                types += _check_types(script, python)
                others |= _otherwise(script, python)

    assert types > 2000
    assert {name for name in others if not OTHERWISE.search(name)} == set()
    assert {"fetch_password_data", "ingress", "lambda_"} <= others


def _check_types(script: str, python: str) -> int:
    found = re.findall(r'^(\w+)\.tfResourceType = "(\w+)";$', script, re.MULTILINE)
    for kind, type in found:
        (said,) = re.findall(rf"^class {kind}\(\n(?: .*\n)+\):\n    '''(.*)'''$", python, re.MULTILINE)
        assert (match := DOCSTRING.fullmatch(said))
        assert match[1] == type
    return len(found)


def _otherwise(script: str, python: str) -> set[str]:
    """Returns the arguments that Terraform names otherwise, and the lists of blocks with nulls."""
    names = {javascript: name for name, javascript in re.findall(r'"(\w+)": "(\w+)"', python)}
    kept = dict(re.findall(r"this\._(\w+)(?:\.internalValue)? = config\.(\w+);", script))
    found = set[str]()
    blocks = re.findall(r"^function (\w+ToTerraform)\(struct\) \{$(.*?)^\}$", script, re.MULTILINE | re.DOTALL)
    arguments = re.findall(r"^    synthesizeAttributes\(\) \{$(.*?)^    \}$", script, re.MULTILINE | re.DOTALL)
    written = re.compile(r"^ +(\w+): .*\((struct\.|this\._)(\w+)(?:\.internalValue)?\),$", re.MULTILINE)
    for text in [*arguments, *(text for _, text in blocks)]:
        for terraform, of, field in written.findall(text):
            found |= {names[field if of == "struct." else kept[field]]} - {terraform}
    for function in (function for function, text in blocks if "=== undefined ? null" in text):
        found |= set(re.findall(rf"^ +(\w+): (?:\w+\.listMapper\()?{function}\W", script, re.MULTILINE))
    return found


RULE = S3BucketLifecycleConfigurationRule(id="a", status="Enabled", expiration={"days": 1})  # type: ignore[arg-type]
"""A block, where a list of these belongs."""


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (SnsTopic, {"nme": "a"}, ["has no argument 'nme', did you mean 'name'?"]),
        (
            S3BucketVersioningA,
            {"versioning_config": {"status": "Enabled"}},
            [
                "has no argument 'versioning_config', did you mean 'versioning_configuration'?",
                "needs the argument 'bucket'",
                "needs the argument 'versioning_configuration'",
            ],
        ),
        (SnsTopic, {"name": ["a"], "tags": "a"}, ["type of name must be", "type of tags must be"]),
        (SnsTopic, {"delivery_policy": {"a": 1}}, ["type of delivery_policy must be"]),
        (KmsKey, {"is_enabled": "yes", "nme": "a"}, ["has no argument 'nme'", "type of is_enabled must be"]),
        (
            S3BucketLifecycleConfiguration,
            {"bucket": "a", "rule": [RULE]},
            ["type of rule.expiration must be"],
        ),
    ],
)
def test_wrong_arguments_are_refused_all_at_once(own: Own, kind: Any, given: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(TypeError) as raised:
        own.add(kind, "wrong", **given)

    text = str(raised.value)
    assert text.startswith(f"{kind.__name__} wrong: ")
    assert [fault for fault in said if fault not in text] == []
    assert text.count("; got") + text.count("argument '") == len(said)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda token: token[:5],
        lambda token: token[5:],
        lambda token: f"x-{token.lower()}",
    ],
)
def test_a_part_of_a_token_is_refused(own: Own, change: Callable[[str], Any]) -> None:
    """Terraform would take it for text, and the plan look fine."""
    arn = own.topic.arn
    given = {"name": f"a-{arn}", "tags": {"whole": arn}, "policy": change(arn)}
    with pytest.raises(TypeError, match=r"^SnsTopic wrong: .*policy: this is known "):
        own.add(SnsTopic, "wrong", **given)
    with pytest.raises(TypeError, match=r"^output part: value: this is known "):
        own.output("part", change(arn), description="a")
    with pytest.raises(TypeError, match=r"^output part: value: this is known "):
        own.output("part", float(Token.as_number(arn)) * 2, description="a")
    own.output("whole", [Token.as_number(arn), arn, own.bucket.tags_all, "${T}", 1e10], description="a")


@pytest.mark.parametrize("argument", ["name", "tags"])
def test_a_resource_where_a_value_belongs_is_refused(own: Own, argument: str) -> None:
    """Its address would be written as text, which Terraform takes."""
    given: dict[str, Any] = {"name": own.topic, "tags": {"a": own.topic}}
    with pytest.raises(TypeError, match=rf"^SnsTopic wrong: {argument}: aws_sns_topic\.events is a resource "):
        own.add(SnsTopic, "wrong", **{argument: given[argument]})
    with pytest.raises(TypeError, match=r"^output topic: aws_sns_topic\.events is a resource "):
        own.output("topic", given[argument], description="a")


def test_a_map_of_a_resource_is_not_extended_in_python(own: Own) -> None:
    with pytest.raises(TypeError, match=r"^SnsTopic more: tags: .*cdktf\.Fn\.merge$"):
        own.add(SnsTopic, "more", name="a", tags={**own.bucket.tags_all, "b": "c"})
    own.add(SnsTopic, "same", name="a", tags=own.bucket.tags_all)
