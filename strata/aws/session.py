"""Creates boto3 sessions and clients, and turns AWS errors into operator messages; no other module does."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from strata.errors import Message, StrataError
from strata.landing_zone.permissions import denied, remedy
from strata.options import Options
from strata.policy.keys import region_of
from strata.printing import line, word

if TYPE_CHECKING:
    from strata.config.models import Project

T = TypeVar("T")
R = TypeVar("R")


def connect(options: Options, project: Project) -> Aws:
    """Returns the session of a command; prints a notice if it uses an emulator."""
    if url := emulator():
        told = f"AWS_ENDPOINT_URL is set: this talks to the emulator at {url}, not to AWS"
        print(line(told), file=sys.stderr, flush=True)
    return Aws(profile=options.profile, region=options.region or project.regions.primary)


def emulator() -> str | None:
    """Returns the URL of the emulator that stands in for AWS, None when it is AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL") or None


class AwsError(StrataError):
    """A call that AWS rejected, or that did not get there; `code` is AWS's word for it, or botocore's."""

    def __init__(self, text: Message, code: str) -> None:
        on_one_line = " ".join(text.split()).removesuffix(".")
        super().__init__(text.saying(on_one_line, place=text.place, code=code))
        self.code = code


@dataclass(frozen=True)
class Caller:
    """Who the credentials belong to."""

    account: str
    arn: str

    @property
    def root(self) -> bool:
        """Says whether it is the root user."""
        return self.arn.endswith(":root")


class Session:
    """A boto3 session that is opened at the first call, for many threads: boto3 creates one client at a time."""

    def __init__(self, credentials: Mapping[str, str] | None = None) -> None:
        """Opens with the profile, or with credentials that STS gave."""
        self.lock = threading.Lock()
        self._credentials = credentials
        self._opened: Any = None
        self.account = ""
        """The account that it is of, once AWS was asked, which few of its refusals name."""

    def client(self, profile: str | None, service: str, region: str, attempts: int) -> Any:
        """Returns a new boto3 client."""
        return self.boto(profile).client(service, region_name=region, config=_settings(service, attempts))

    def boto(self, profile: str | None) -> Any:
        """Returns the boto3 session."""
        import boto3

        if self._opened is None:
            given = self._credentials
            self._opened = (
                boto3.Session(
                    given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], botocore_session=_sharing()
                )
                if given
                else boto3.Session(profile_name=profile)
            )
        return self._opened


def _sharing() -> Any:
    """Returns a session of botocore that reads its descriptions of services once for all: EC2's takes tens of MB."""
    import botocore.session

    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions())
    return session


@cache
def _descriptions() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


@dataclass(frozen=True)
class Aws:
    """AWS as a profile sees it; nothing is opened before the first call.

    Attributes:
        before_send: called with the name of the service before each request, repeated ones among them.
        attempts: how often botocore makes a call that AWS throttles, or that does not get there.
        session: stays the same where others of these are replaced: who signs in with a code gives it once.
    """

    profile: str | None
    region: str
    before_send: Callable[[str], None] | None = field(default=None, compare=False)
    attempts: int = 6
    session: Session = field(default_factory=Session, compare=False, repr=False)

    def client(self, service: str, region: str | None = None) -> Client:
        """Returns the client of a service, in the session's region unless another is given."""
        key = (service, region or self.region)
        with self.session.lock:
            if key not in self._clients:
                with _explained(self.profile):
                    boto = self.session.client(self.profile, *key, self.attempts)
                if before_send := self.before_send:
                    boto.meta.events.register("before-send", lambda **_: before_send(service))
                self._clients[key] = Client(boto, self.profile, self.session)
            return self._clients[key]

    def caller(self) -> Caller:
        """Returns the account and the ARN that the credentials belong to."""
        answer = self.client("sts").get_caller_identity()
        self.session.account = answer["Account"]
        return Caller(account=answer["Account"], arn=answer["Arn"])

    def assuming(self, role: str) -> Aws:
        """Returns AWS as a role sees it, for an hour.

        Raises:
            AwsError: it cannot be assumed.
        """
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="strata")["Credentials"]
        session = Session(given)
        session.account = role.split(":")[4]
        return replace(self, session=session)

    @cached_property
    def _clients(self) -> dict[tuple[str, str], Client]:
        return {}


def _settings(service: str, attempts: int) -> Any:
    from botocore.config import Config

    emulated = emulator() is not None
    return Config(
        user_agent_extra="strata",
        connect_timeout=10,
        read_timeout=60,
        # A call that an emulator lacks is a 500; trying it again and again would look like a hang.
        retries={"mode": "standard", "total_max_attempts": 2 if emulated else attempts},
        s3={"addressing_style": "path"} if emulated else None,
        # It is asked at <account>.<host>, a name that an emulator's host does not have.
        proxies={"http": emulator()} if emulated and service == "s3control" else None,
        # What says that it is emulated must be: AWS_IGNORE_CONFIGURED_ENDPOINT_URLS would lead to AWS after all.
        ignore_configured_endpoint_urls=False if emulated else None,
    )


class Client:
    """A boto3 client: the same operations with the same parameters, but their failures are `AwsError`."""

    def __init__(self, boto: Any, profile: str | None, session: Session | None = None) -> None:
        self.boto = boto
        self.session = session or Session()
        self.profile = profile

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Returns an operation."""
        method = getattr(self.boto, operation)

        def call(**parameters: Any) -> Any:
            with _explained(self.profile, self, operation):
                return method(**parameters)

        return call

    def items(self, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """Yields the items of all pages of a list, under a key or JMESPath expression."""
        pages = self.boto.get_paginator(operation).paginate(**parameters)
        with _explained(self.profile, self, operation):
            yield from (item for item in pages.search(key) if item is not None)


def unless_absent(ask: Callable[[], Any], codes: Collection[str] = ("ResourceNotFoundException",)) -> Any | None:
    """Returns the answer to a question, None where AWS has no such thing, which it says by any of these codes."""
    try:
        return ask()
    except AwsError as error:
        if error.code in codes:
            return None
        raise


def asked_at_once(ask: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """Returns the answers to a question about each of many, in their order; eight are asked about at a time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(ask, subjects))


_AT_ONCE = 8


# AWS errors as operator messages


class _Call(NamedTuple):
    """A call by the operation as an IAM policy names it, for nearly all of them, and where it was made."""

    action: str
    account: str = ""
    region: str = ""

    @classmethod
    def of(cls, client: Client | None, operation: str) -> _Call:
        """Returns a call of a client; what a client calls by itself, such as to sign in, has only a name."""
        if client is None or operation not in client.boto.meta.service_model.operation_names:
            return cls(operation)
        meta = client.boto.meta
        action = f"{meta.service_model.signing_name}:{operation}"
        return cls(action, client.session.account, region_of(action, "") or meta.region_name)

    @property
    def where(self) -> str:
        """Returns where it was made, as it is printed behind what was called."""
        places = [*([f"account {self.account}"] if self.account else []), *([self.region] if self.region else [])]
        return f" ({', '.join(places)})" if places else ""

    def failed(self, id: str, text: str, **data: Any) -> Message:
        """Returns the message of a failed call."""
        return Message(id, text, **{key: value for key, value in self._asdict().items() if value} | data)


@contextmanager
def _explained(profile: str | None, client: Client | None = None, operation: str = "") -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code = str(details.get("Code", "Unknown"))
        text = _PAGE.sub("", str(details.get("Message") or "")).strip() or code
        if reason := error.response.get("Reason"):
            text = f"{text.rstrip('.')} ({reason})"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        call = _Call.of(client, error.operation_name)
        raise AwsError(_refusal(code, text, call, profile, failed=status >= _FAILED), code) from error
    except ResponseParserError as error:
        # An emulator's page for a call it does not know.
        text = Message("not-aws", "the endpoint is not AWS: its response cannot be read")
        raise AwsError(text, "ResponseParserError") from error
    except BotoCoreError as error:
        asked = client.boto.meta.method_to_api_mapping.get(operation, "") if client else ""
        raise AwsError(_failure(error, profile, _Call.of(client, asked)), type(error).__name__) from error
    except RuntimeError as error:  # botocore has no class for that
        if "still expired" not in str(error):
            raise
        raise AwsError(_refusal("ExpiredToken", "", _Call(""), profile), "ExpiredToken") from error
    except ValueError as error:  # nor for this
        if "Invalid endpoint" not in str(error):
            raise
        text = Message("not-aws", f"{error}; correct AWS_ENDPOINT_URL, or endpoint_url of the profile")
        raise AwsError(text, "InvalidEndpoint") from error


_PAGE = re.compile(r"<(?:!doctype|html|\?xml)\b.*", re.IGNORECASE | re.DOTALL)
"""What a gateway or an emulator answers with."""


_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ForbiddenException",
        "UnauthorizedOperation",
    }
)
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)


_FAILED = 500
"""From this status on it is AWS that failed."""


def _refusal(code: str, text: str, call: _Call, profile: str | None, *, failed: bool = False) -> Message:
    action = f"{call.action}{call.where}"
    if code in _EXPIRED:
        return Message("sign-in-expired", f"the AWS credentials have expired; {_sign_in(profile)}")
    if code in _UNKNOWN:
        why = f"AWS rejects these credentials: {action}: {code}; check the profile, and that the region is enabled"
        return call.failed("credentials-rejected", why)
    if code in DENIED:
        missing = denied(text, call.action) or call.action
        policy = remedy(missing)
        instead = f", or {policy}" if policy else ""
        why = f"{missing} is not allowed{call.where}: {text}; use a profile that may, see --profile{instead}"
        return call.failed("aws-denied", why, action=missing)
    if code in THROTTLED or "rate exceeded" in text.lower():
        why = f"AWS throttles {action}: {text}; wait a minute and run it again"
        return call.failed("aws-throttled", why)
    again = "; AWS failed by itself: run it again in some minutes" if failed else ""
    return call.failed("aws-failed", f"{action}: {code}: {text}{again}")


def _failure(error: Exception, profile: str | None, call: _Call) -> Message:
    """Says what kept a call from getting an answer."""
    from botocore import exceptions

    if isinstance(error, exceptions.ProfileNotFound):
        text = f"{error}; `aws configure list-profiles` lists those that exist"
        return Message("unknown-name", text, kind="profile", name=profile)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        text = "no credentials for AWS; name a profile with --profile or AWS_PROFILE, or create one with "
        return Message("no-credentials", f"{text}`aws configure sso`")
    if isinstance(error, exceptions.LoginError):
        return Message("sign-in-expired", f"the AWS sign-in cannot be used: {error}; sign in again: aws login")
    if isinstance(error, exceptions.SSOError | exceptions.TokenRetrievalError):
        return Message("sign-in-expired", f"the AWS sign-in has expired or does not exist; {_sign_in(profile)}")
    asked = f" for {call.action}{call.where}" if call.action else ""
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        remedy = "is the emulator of AWS_ENDPOINT_URL running?" if emulator() else "check the network, proxy and region"
        return call.failed("aws-unreachable", f"AWS cannot be reached{asked}: {str(error).removesuffix('.')}; {remedy}")
    return call.failed("aws-failed", f"AWS cannot be called{asked}: {error}")


def _sign_in(profile: str | None) -> str:
    name = profile or os.environ.get("AWS_PROFILE")
    return f"sign in again: aws sso login{f' --profile {word(name)}' if name else ''}"
