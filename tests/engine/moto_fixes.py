"""What moto answers otherwise than AWS, mended before it is forked, where Terraform or the real AWS provider minds."""

from __future__ import annotations

from typing import Any

from tests.aws.answering import answer_in_one_piece


def install() -> None:
    """Patches moto and its server in this process."""
    answer_in_one_piece()
    _keep_tags_of_new_buckets()


def _keep_tags_of_new_buckets() -> None:
    """Keeps the tags in the body of CreateBucket, where the AWS provider has put them since 6.23."""
    import xmltodict  # type: ignore[import-untyped]
    from moto.s3.responses import S3Response

    answered = S3Response._bucket_response_put

    def bucket_response_put(response: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        body = response.body
        answer = answered(response, request, bucket_name, querystring)
        if body and b"<Tags>" in body and set(querystring) <= {"x-id"}:
            entries = xmltodict.parse(body, force_list=["Tag"])["CreateBucketConfiguration"]["Tags"]["Tag"]
            tags = {entry["Key"]: entry.get("Value") or "" for entry in entries}
            response.backend.put_bucket_tagging(bucket_name, tags)
        return answer

    S3Response._bucket_response_put = bucket_response_put  # type: ignore[method-assign, assignment]
