"""What `add` and components make are constructs of CDKTF, usable as anybody's; thousands of resources are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before the bindings, which it makes load lazily: else Python compiles all of them, which takes a minute.
from stacks.base import BaseStack

# isort: split
import cdktf
import jsii
import pytest
from cdktf import App, Aspects, IAspect, TerraformIterator, Token
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import IConstruct

from stacks.components.alert import AlertRule, AlertTopic
from stacks.components.bucket import SafeBucket, expire
from stacks.components.forwarding import Forwarding
from stacks.components.recorder import ConfigRecorders
from stacks.components.trail import Trail
from stacks.deployment import build
from stacks.hcl import parts_of_tokens
from strata.load import load
from tests.generated import write_configuration
from tests.synthesized import CHECKOUT, COMPANY, SHIPPED, Deployment


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


def resources(stack: cdktf.TerraformStack) -> Any:
    return json.loads(cdktf.Testing.synth(stack))["resource"]


def test_what_is_added_is_the_resource_of_the_bindings_at_its_address(own: Own) -> None:
    assert isinstance(own.bucket, S3Bucket)
    found = resources(own)
    assert found["aws_s3_bucket"] == {"files": {"bucket": "files-$${x}", "tags": {"Team": "a"}}}
    assert found["aws_sns_topic"]["events"]["depends_on"] == ["aws_s3_bucket.files"]


def test_attributes_are_references_within_and_between_stacks(app: App, own: Own, tmp_path: Path) -> None:
    """As an argument, in a text beside what Terraform would evaluate, and in what has no construct."""
    other = Own(app, "other")
    other.add(SnsTopicPolicy, "policy", arn=own.topic.arn, policy=json.dumps({"Resource": f"{own.bucket.arn}/${{a}}"}))
    address = other.add_json(
        SnsTopic, "plain", name="${x}", display_name=other.bucket.arn, kms_master_key_id=own.topic.arn
    )
    own.add_json(SnsTopic, "alone", name="alone")
    app.synth()

    found = Deployment(tmp_path)
    assert address == "aws_sns_topic.plain"
    away = "${data.terraform_remote_state.cross-stack-reference-input-own.outputs.cross-stack-output-aws_%s}"
    assert found["other"]["aws_sns_topic_policy.policy"] == {
        "arn": away % "sns_topiceventsarn",
        "policy": '{"Resource": "' + away % "s3_bucketfilesarn" + '/$${a}"}',
    }
    assert found["other"][address] == {
        "name": "$${x}",
        "display_name": "${aws_s3_bucket.files.arn}",
        "kms_master_key_id": away % "sns_topiceventsarn",
    }
    outputs = found["own"].json["output"]
    assert outputs["cross-stack-output-aws_sns_topiceventsarn"]["value"] == "${aws_sns_topic.events.arn}"
    assert found["own"].all("aws_sns_topic").keys() == {"events", "alone"}


def _override(own: Own) -> None:
    own.bucket.add_override("force_destroy", True)


def _set(own: Own) -> None:
    own.bucket.force_destroy = True


def _aspect(own: Own) -> None:
    Aspects.of(own).add(Destroyed())


@jsii.implements(IAspect)
class Destroyed:
    """Lets buckets be destroyed with what they hold."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, S3Bucket):
            node.force_destroy = True


@pytest.mark.parametrize("change", [_override, _set, _aspect])
def test_escape_hatches_reach_what_is_added(own: Own, change: Callable[[Own], None]) -> None:
    change(own)
    assert resources(own)["aws_s3_bucket"]["files"]["force_destroy"] is True


def test_a_construct_of_the_bindings_comes_before_what_is_added(own: Own) -> None:
    topic = SnsTopic(own, "first", name="first")
    own.add(SnsTopic, "second", name="second", depends_on=[topic, own.bucket])
    assert resources(own)["aws_sns_topic"]["second"]["depends_on"] == ["aws_sns_topic.first", "aws_s3_bucket.files"]


def test_a_dynamic_block_is_one(own: Own) -> None:
    names = TerraformIterator.from_list(["a", "b"])
    attributes = names.dynamic({"name": Token.as_string(names.value), "type": "S"})
    own.add(DynamodbTable, "locks", name="locks", attribute=attributes)
    table = resources(own)["aws_dynamodb_table"]["locks"]
    assert table["dynamic"]["attribute"]["content"] == {"name": "${each.value}", "type": "S"}


def test_what_leaves_the_state_is_not_made(own: Own) -> None:
    with own.removing_from_state():
        gone = own.add(SnsTopic, "gone", name="gone")
        own.add(SnsTopicPolicy, "gone", arn=gone.arn, policy="{}")
        assert own.add_json(SnsTopic, "bulk", name="a") == "aws_sns_topic.bulk"
    assert own.removed == {"aws_sns_topic.gone", "aws_sns_topic_policy.gone", "aws_sns_topic.bulk"}
    assert resources(own)["aws_sns_topic"].keys() == {"events"}


RULE = S3BucketLifecycleConfigurationRule(id="a", status="Enabled", expiration={"days": 1})  # type: ignore[arg-type]
"""A block, where a list of these belongs."""
MARKER = S3BucketLifecycleConfigurationRule(
    id="a", status="Enabled", expiration=[{"expired_object_delete_marker": True}]
)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (SnsTopic, {"nme": "a"}, "'nme'"),
        (S3BucketVersioningA, {}, "'bucket' and 'versioning_configuration'"),
        (S3BucketVersioningA, {"bucket": "a", "versioning_configuration": {"stats": "a"}}, "'stats'"),
        (SnsTopic, {"tags": "a"}, "type of argument tags must be"),
        (SnsTopic, {"name": SnsTopic}, "type of argument name must be"),
        (SnsTopic, {"tags": {"a": 1}}, "tags.a has another type"),
        (KmsKey, {"is_enabled": "yes"}, "is_enabled has another type"),
        (S3BucketLifecycleConfiguration, {"bucket": "a", "rule": [RULE]}, "rule.expiration has another type"),
        (S3BucketLifecycleConfiguration, {"bucket": "a", "rule": [MARKER]}, "loses 'expired_object_delete_marker'"),
    ],
)
def test_wrong_arguments_are_refused(own: Own, kind: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said) as raised:
        own.add(kind, "wrong", **given)

    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("change", [str.upper, lambda token: token[:5], lambda token: token[5:]])
@pytest.mark.parametrize("number", [False, True])
def test_a_part_of_a_token_is_found_in_what_is_written(own: Own, change: Callable[[str], Any], number: bool) -> None:
    """Terraform would take it for text, and the plan look fine."""
    whole = own.topic.arn
    own.output("whole", [Token.as_number(whole), whole, "${T}", 1e10], description="a")
    assert list(parts_of_tokens(cdktf.Testing.synth(own))) == []
    part = Token.as_number(whole) * 1.5 if number else change(whole)
    own.output("part", {"a": [part]}, description="a")
    found = list(parts_of_tokens(cdktf.Testing.synth(own)))
    assert found == ["output.part.value.a"]


def test_components_are_constructs_in_anybodys_app(tmp_path: Path) -> None:
    """Each may be there twice, under another id."""
    app = App(outdir=str(tmp_path))
    stack = cdktf.TerraformStack(app, "theirs")
    AwsProvider(stack, "aws", region="eu-west-1")
    bucket = SafeBucket(stack, "logs", bucket="logs", region="eu-west-1", rule=expire("old", days=30), versioned=True)
    Trail(stack, "all", name="all-${x}", bucket=bucket)
    topic = AlertTopic(stack, "alerts", name="alerts", region="eu-west-1", emails=["a@example.com"])
    for id in ("root", "others"):
        AlertRule(stack, id, name=id, region="eu-west-1", topic_arn=topic.arn, description=id, pattern={"a": [id]})
    role = IamRole(stack, "config", assume_role_policy="{}")
    bus = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
    Forwarding(
        stack,
        "events",
        name="events",
        account_id="210987654321",
        bus_arn=bus,
        regions=["eu-west-1", "us-east-1"],
        description="a",
        role_description="b",
        pattern={},
    )
    ConfigRecorders(stack, "main", role_arn=role.arn, bucket=bucket.name, types={"eu-west-1": "all"}, home="eu-west-1")
    app.synth()

    found = Deployment(tmp_path)["theirs"]
    assert found["aws_cloudtrail.all"]["name"] == "all-$${x}"
    assert found["aws_cloudtrail.all"]["depends_on"] == ["aws_s3_bucket_policy.logs"]
    assert found["aws_sns_topic_subscription.alerts_a-example-com"]["topic_arn"] == "${aws_sns_topic.alerts.arn}"
    assert {"root", "others", "events_eu-west-1"} <= found.all("aws_cloudwatch_event_target").keys()
    recorder = found["aws_config_configuration_recorder.main_eu-west-1"]
    assert recorder["role_arn"] == "${aws_iam_role.config.arn}"


def _generated(folder: Path) -> Path:
    write_configuration(folder / "config", accounts=1000, assignments=2)
    return folder / "config"


@pytest.mark.parametrize(
    ("configuration", "most"),
    [
        (lambda _: SHIPPED, 80),
        (lambda _: COMPANY, 180),
        # An account is one; nothing else of the landing zone comes by the account.
        (_generated, 1300),
        # With baseline and Config in 48 accounts; a stack in an account has few, however many regions.
        (lambda _: CHECKOUT / "examples" / "research", 520),
    ],
    ids=["shipped", "company", "1,000 accounts", "48 accounts with Config"],
)
def test_what_comes_by_the_thousand_is_no_construct(
    tmp_path: Path, configuration: Callable[[Path], Path], most: int
) -> None:
    app = build(load(configuration(tmp_path)), tmp_path / "out")
    stacks = [child for child in app.node.children if isinstance(child, BaseStack)]
    made = {stack.node.id: len(stack.resources) for stack in stacks}
    assert sum(made.values()) <= most
    assert [name for name, number in made.items() if name.startswith("baseline_") and number > 4] == []
