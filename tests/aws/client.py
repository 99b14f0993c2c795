"""The emulated AWS as a test sees it: its URL, its clients, snapshots, faults, and the journal of calls."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_READING = ("BatchGet", "Describe", "Get", "List", "Lookup", "Head", "Query", "Scan")


@dataclass(frozen=True)
class Recorded:
    """A call that was made, by whom, and how it ended."""

    action: str
    caller: str
    account: str
    region: str
    parameters: dict[str, Any]
    outcome: str
    needs: list[str]
    """The actions of IAM that it needs."""
    role: str
    """The ARN of the role that was assumed."""

    @property
    def writes(self) -> bool:
        """Says whether the call may change something."""
        return not self.action.partition(":")[2].startswith(_READING)


@dataclass(frozen=True)
class Aws:
    """One emulated AWS."""

    url: str

    def environment(self) -> dict[str, str]:
        """Returns what leads a command here, and nowhere else.

        The proxy is for S3 Control: the AWS provider puts the account id before the host, which then has no address.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "3",
            "HTTP_PROXY": self.url,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    @functools.cache  # noqa: B019  # there is one emulated AWS for a worker
    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Returns a boto3 client of the management account."""
        import boto3
        from botocore.config import Config

        # S3 Control puts the account before the host, which then has no address.
        proxies = {"http": self.url} if service == "s3control" else {}
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies=proxies),
        )

    def snapshot(self) -> bytes:
        """Returns everything that AWS has now, the states in S3 among it."""
        return self._order("snapshot")

    def restore(self, snapshot: bytes = b"") -> None:
        """Puts AWS back to a snapshot, to an empty account without one; faults and journal begin anew."""
        self._order("restore", snapshot)

    def order(self, name: str, /, **settings: Any) -> None:
        """Does at AWS's side what no call does, such as switching Identity Center on (`calls.order`)."""
        self._order(name, json.dumps(settings).encode())

    def allow_only(self, *documents: str) -> None:
        """Allows commands, Terraform and the provider what these policies allow; everything if there are none."""
        self.order("permissions", documents=documents)

    def switch_identity_center_on(self, region: str = "us-east-1") -> None:
        """Switches Identity Center on, as its console does."""
        self.order("identity-center", region=region)

    def wait_an_hour(self) -> None:
        """Has everything be seen that AWS does in its own time (`tests/aws/late.py`)."""
        self.order("time-passes", days=False)

    def wait_a_week(self) -> None:
        """The same, and ends what lasts for days."""
        self.order("time-passes", days=True)

    def open_account(self, email: str, name: str = "", **more: Any) -> str:
        """Opens an account as somebody did by hand, an hour ago, and returns its id."""
        organizations = self.client("organizations")
        begun = organizations.create_account(AccountName=name or email.partition("@")[0], Email=email, **more)
        self.wait_an_hour()
        asked = {"CreateAccountRequestId": begun["CreateAccountStatus"]["Id"]}
        done = organizations.describe_create_account_status(**asked)["CreateAccountStatus"]
        return str(done["AccountId"])

    def fail(self, action: str, **fault: Any) -> None:
        """Has calls of an action go wrong (`journal.Fault`)."""
        self._order("fault", json.dumps({"action": action, **fault}).encode())

    def heal(self) -> None:
        """Takes every fault away, and answers the calls that hang."""
        self._order("faults/clear")

    def release(self) -> None:
        """Answers the calls that hang; faults stay."""
        self._order("release")

    def held(self, seconds: float = 600) -> bool:
        """Waits for a call that a fault lets hang or loses, and says whether it came."""
        return bool(json.loads(self._order("held", str(seconds).encode())))

    def calls(self, *, since: int = 0, by: str = "", action: str = "") -> list[Recorded]:
        """Returns the calls since the last restore, or since so many of them."""
        found = [Recorded(**each) for each in json.loads(self._order("calls", str(since).encode()))]
        return [each for each in found if by in ("", each.caller) and action in ("", each.action)]

    def writing_calls(self, *, since: int = 0, by: str = "provider") -> Counter[str]:
        """Returns how often each action was called that may change something."""
        return Counter(each.action for each in self.calls(since=since, by=by) if each.writes)

    def trace(self) -> str:
        """Returns every call as a line, for a test that failed."""
        return self._order("trace").decode()

    def _order(self, name: str, body: bytes = b"") -> bytes:
        with _DIRECT.open(urllib.request.Request(f"{self.url}/_aws/{name}", body, method="POST")) as answer:
            said: bytes = answer.read()
        return said


@contextlib.contextmanager
def emulated_aws(log: Path) -> Iterator[Aws]:
    """Runs an emulated AWS of its own, empty."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "HTTP_"))}
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.aws.server"], cwd=CHECKOUT, env=kept, stdout=subprocess.PIPE, stderr=errors
        )
        assert server.stdout is not None
        try:
            url = server.stdout.readline().decode().strip()
            if not url:
                raise RuntimeError(f"the emulated AWS did not start: {log.read_text()}")
            yield Aws(url)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()
