"""A small program with what the AWS bindings could get wrong: structs, lists of structs, references, subclasses.

Run as `python bindings_sample.py <folder of stacks/> <output folder>` by test_bindings.py; prints what it took as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(checkout: str, output: str) -> None:
    """Synthesizes one stack and says how much was loaded for it."""
    before = dict(os.environ)
    sys.path.insert(0, checkout)
    import stacks

    assert Path(str(stacks.__file__)).is_relative_to(checkout)
    assert dict(os.environ) == before, "the kernel's variables are not taken back"
    synthesize(output)
    prefix = ("cdktf_cdktf_provider_aws.", "cdktn_provider_aws.")
    print(
        json.dumps(
            {
                "modules": sum(name.startswith(prefix) for name in sys.modules),
                "megabytes": kernel_megabytes(),
            }
        )
    )


def synthesize(output: str) -> None:
    """Synthesizes a stack of ten resources and looks at some of their identities on the way."""
    import cdktf_cdktf_provider_aws as bindings
    from cdktf import App, TerraformResource, TerraformStack
    from cdktf_cdktf_provider_aws import s3_bucket_server_side_encryption_configuration as encryption
    from cdktf_cdktf_provider_aws import s3_bucket_versioning as versioning
    from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
        DataAwsIamPolicyDocument,
        DataAwsIamPolicyDocumentStatement,
        DataAwsIamPolicyDocumentStatementPrincipals,
    )
    from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable, DynamodbTableAttribute
    from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
    from cdktf_cdktf_provider_aws.organizations_organization import OrganizationsOrganization
    from cdktf_cdktf_provider_aws.organizations_organizational_unit import OrganizationsOrganizationalUnit
    from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
    from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
    from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy

    class Bucket(S3Bucket):
        pass

    app = App(outdir=output)
    stack = TerraformStack(app, "sample")
    AwsProvider(stack, "aws", region="eu-central-1", default_tags=[AwsProviderDefaultTags(tags={"Layer": "sample"})])
    bucket = Bucket(stack, "bucket", bucket="state", force_destroy=False)
    versioning.S3BucketVersioningA(
        stack,
        "versioning",
        bucket=bucket.id,
        versioning_configuration=versioning.S3BucketVersioningVersioningConfiguration(status="Enabled"),
    )
    default = encryption.S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
        sse_algorithm="aws:kms"
    )
    encryption.S3BucketServerSideEncryptionConfigurationA(
        stack,
        "encryption",
        bucket=bucket.id,
        rule=[
            encryption.S3BucketServerSideEncryptionConfigurationRuleA(
                apply_server_side_encryption_by_default=default, bucket_key_enabled=True
            )
        ],
    )
    document = DataAwsIamPolicyDocument(
        stack,
        "document",
        statement=[
            DataAwsIamPolicyDocumentStatement(
                effect="Deny",
                actions=["s3:*"],
                resources=[bucket.arn, f"{bucket.arn}/*"],
                principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])],
            )
        ],
    )
    S3BucketPolicy(stack, "policy", bucket=bucket.id, policy=document.json)
    DynamodbTable(
        stack,
        "table",
        name="lock",
        hash_key="LockID",
        billing_mode="PAY_PER_REQUEST",
        attribute=[DynamodbTableAttribute(name="LockID", type="S")],
    )
    organization = OrganizationsOrganization(stack, "organization", feature_set="ALL")
    OrganizationsOrganizationalUnit(stack, "unit", name="Platform", parent_id=organization.roots.get(0).id)
    IamAccountPasswordPolicy(stack, "passwords", minimum_password_length=16)
    topic = bindings.sns_topic.SnsTopic(stack, "topic", name="alerts", depends_on=[bucket])

    assert isinstance(bucket, S3Bucket)
    assert bindings.s3_bucket.S3Bucket is S3Bucket
    assert TerraformResource.is_terraform_resource(bucket)
    assert stack.node.find_child("topic") is topic
    assert not hasattr(bindings, "nonsense")
    app.synth()


def kernel_megabytes() -> int | None:
    """Returns the peak memory of the largest process below this one, where the system shows it."""
    if not Path("/proc/self/task").exists():
        return None
    return max(_peaks(os.getpid())[1:])


def _peaks(process: int) -> list[int]:
    proc = Path("/proc", str(process))
    own = int((proc / "status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
    children = (proc / "task" / str(process) / "children").read_text().split()
    return [own, *(peak for child in children for peak in _peaks(int(child)))]


if __name__ == "__main__":
    main(*sys.argv[1:])
