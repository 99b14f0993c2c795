"""The calls of one configured provider: boto3 over HTTP, with the retries of the real one and its words for errors."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError, ProxyConnectionError

from tests.provider.mapping import Object, to_aws

GLOBAL = {"account", "budgets", "ce", "iam", "organizations"}
ATTEMPTS = 25
_RETRIED = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|InternalError|ServiceUnavailable|^5\d\d$")
# What a client retries on top of that: the whole of sso-admin a conflict, also one that does not pass.
_RETRIED_BY = {
    "organizations": re.compile("ConcurrentModificationException|FinalizingOrganizationException"),
    "s3": re.compile("OperationAborted"),
    "sso-admin": re.compile("ConflictException"),
}
_PAUSE = 0.002
_POLL, _POLLS = 0.01, 1000
# How often a call under way looks whether it was stopped, and where calls are under way.
_STOPPED, _CALLS = 0.05, ThreadPoolExecutor(64)
# Where an answer says that there is more, and the parameter that asks for it.
_TOKENS = {"NextToken": "NextToken", "nextToken": "nextToken", "NextMarker": "Marker", "Marker": "Marker"}


class _Here(threading.local):
    """Whether the Terraform that this thread works for is still there: a provider dies with it."""

    is_active: Callable[[], bool] = staticmethod(lambda: True)


here = _Here()


class AwsError(Exception):
    """A call that AWS refused, in the words of the provider's SDK."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Session:
    """Where a configured provider calls, as whom, and the tags that it puts on everything."""

    endpoint: str
    region: str
    credentials: Mapping[str, str]
    default_tags: Mapping[str, str] = field(default_factory=dict)
    attempts: int = ATTEMPTS

    def aws(self, service: str, region: str | None = None) -> Aws:
        """Returns the calls to a service in the provider's region, or in another."""
        return Aws(self, service, region or self.region)

    @property
    def account(self) -> str:
        """The account that the credentials belong to."""
        return str(self.aws("sts")("get_caller_identity")["Account"])

    def assumed(self, role: Mapping[str, Any]) -> Session:
        """Returns the session of a role that the provider assumes."""
        names = {"RoleArn": role["role_arn"], "RoleSessionName": role.get("session_name") or "terraform"}
        found = self.aws("sts")("assume_role", **names, ExternalId=role.get("external_id"))["Credentials"]
        keys = {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }
        return Session(self.endpoint, self.region, keys, self.default_tags, self.attempts)


class Aws:
    """The calls to one service in one region."""

    def __init__(
        self,
        session: Session,
        service: str,
        region: str,
        names: Mapping[str, str] | None = None,
        patient: tuple[str, ...] = (),
    ) -> None:
        self.session = session
        self.service = service
        self.region = region
        self._names = names or {}
        self._patient = patient

    def of(self, service: str) -> Aws:
        """Returns the calls to another service in the same region."""
        return Aws(self.session, service, self.region)

    def patient(self, *codes: str) -> Aws:
        """Returns the same calls, made again for what AWS may say of something that was made just before."""
        return Aws(self.session, self.service, self.region, self._names, codes)

    def __call__(self, operation: str, /, **parameters: Any) -> Any:
        """Calls, again where the provider does, and returns the answer.

        Raises:
            AwsError: AWS refused.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        for attempt in range(1, self.session.attempts + 1):
            if not here.is_active():
                raise AwsError("Canceled", f"operation error {self._id}: {operation}, context canceled")
            try:
                return self._answer(operation, given)
            except (ConnectionClosedError, ProxyConnectionError) as error:
                if attempt == self.session.attempts:
                    raise AwsError(
                        "Lost",
                        f"operation error {self._id}: {self._model(operation).name}, request send failed: {error}",
                    ) from None
            except ClientError as error:
                if attempt < self.session.attempts and self._retried(error):
                    time.sleep(_PAUSE * attempt)
                    continue
                raise AwsError(error.response["Error"]["Code"], self._text(error, attempt)) from None
            except ParamValidationError as error:
                raise AwsError("ParamValidation", f"operation error {self._id}: {operation}, {error}") from None
        raise AssertionError

    def _answer(self, operation: str, given: Mapping[str, Any]) -> Any:
        """Waits for an answer as long as somebody wants it: whom Terraform stops ends its calls at once."""
        answer = _CALLS.submit(getattr(self._client, operation), **given)
        while not wait([answer], timeout=_STOPPED).done:
            if not here.is_active():
                raise AwsError("Canceled", f"operation error {self._id}: {operation}, context canceled")
        return answer.result()

    def send(self, operation: str, object: Object, /, **more: Any) -> Any:
        """Calls with the arguments of a Terraform object that the operation knows; `more` goes over them."""
        return self(operation, **{**to_aws(self.input(operation), object, self._names), **more})

    def all(self, operation: str, key: str, /, **parameters: Any) -> list[Any]:
        """Returns what all pages of a list have."""
        found: list[Any] = []
        token: dict[str, Any] = {}
        while True:
            page = self(operation, **parameters, **token)
            found += page.get(key, [])
            token = {_TOKENS[name]: page[name] for name in _TOKENS if page.get(name)}
            if not token:
                return found

    def settled(self, operation: str, key: str, /, **parameters: Any) -> Any:
        """Asks until what was begun is no longer in progress, and returns how it ended."""
        for _ in range(_POLLS):
            answer = self(operation, **parameters)
            found = answer[key] if key else answer
            if found.get("Status", found.get("State")) != "IN_PROGRESS":
                return found
            time.sleep(_POLL)
        raise AwsError("Timeout", "timeout while waiting for state to become 'SUCCEEDED' (last state: 'IN_PROGRESS')")

    def input(self, operation: str) -> Any:
        """Returns the shape of what an operation takes."""
        return self._model(operation).input_shape

    def output(self, operation: str, path: str = "") -> Any:
        """Returns the shape of what an operation returns, or of something in it."""
        shape = self._model(operation).output_shape
        for name in path.split(".") if path else ():
            shape = shape.members[name] if shape.type_name == "structure" else shape.member
        return shape

    def _model(self, operation: str) -> Any:
        client = self._client
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])

    @property
    def _client(self) -> Any:
        region = "us-east-1" if self.service in GLOBAL else self.region
        return _client(self.session.endpoint, self.service, region, tuple(sorted(self.session.credentials.items())))

    @property
    def _id(self) -> str:
        return str(self._client.meta.service_model.service_id)

    def _retried(self, error: ClientError) -> bool:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        own = _RETRIED_BY.get(self.service)
        if any(known in f"{code}: {error.response['Error'].get('Message')}" for known in self._patient):
            return True
        return status >= 500 or bool(_RETRIED.search(code)) or bool(own and own.search(code))

    def _text(self, error: ClientError, attempts: int) -> str:
        said, meta = error.response["Error"], error.response["ResponseMetadata"]
        tried = f"exceeded maximum number of attempts, {attempts}, " if attempts > 1 else ""
        model = self._client.meta.service_model.operation_model(error.operation_name)
        modeled = any(
            shape.metadata.get("error", {}).get("code", shape.name) == said["Code"] for shape in model.error_shapes
        )
        return (
            f"operation error {self._id}: {error.operation_name}, {tried}https response error StatusCode: "
            f"{meta['HTTPStatusCode']}, RequestID: {meta.get('RequestId', '')}, "
            f"{'' if modeled else 'api error '}{said['Code']}: {said.get('Message', '')}"
        )


_clients: dict[tuple[Any, ...], Any] = {}
_lock = threading.Lock()


def _client(endpoint: str, service: str, region: str, credentials: tuple[tuple[str, str], ...]) -> Any:
    key = (endpoint, service, region, credentials)
    found = _clients.get(key)
    if found is None:
        # S3 Control puts the account before the host, which then has no address: it goes through the endpoint as proxy.
        config = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            proxies={"http": endpoint} if service == "s3control" else {},
            max_pool_connections=20,
            read_timeout=600,  # on a busy machine an answer may take a while
            user_agent_extra="terraform-provider-aws",  # by which the journal tells who calls
        )
        with _lock:
            session = _session()
            found = _clients[key] = session.client(
                service, region_name=region, endpoint_url=endpoint, config=config, **dict(credentials)
            )
    return found


def _session() -> Any:
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION
