"""An environment that leads to the emulated AWS and nowhere else, whatever the one is that the demo was started in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.aws.client import ACCOUNT, Aws
from tests.demo.commands import DemoError
from tests.demo.providers import Provider

_OF_AWS = re.compile(r"AWS_|MOTO_|BOTO_")
_DROPPED = re.compile(
    r"(AWS|BOTO|CDKTF|MOTO|STRATA|TF)_|(TERRAFORM_BINARY_NAME|(ALL|HTTPS?|NO)_PROXY|BASH_ENV|ENV)$", re.IGNORECASE
)


def leave_aws_behind() -> None:
    """Takes from this process what would lead it to AWS: profiles, credentials, settings in the home directory."""
    for name in filter(_OF_AWS.match, list(os.environ)):
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def cleaned(given: Mapping[str, str]) -> dict[str, str]:
    """Returns an environment without anything that leads to AWS, past the emulated one or to other files of cdktf."""
    return {name: value for name, value in given.items() if not _DROPPED.match(name)}


def environment(aws: Aws, found: Provider, folder: Path) -> dict[str, str]:
    """Returns the environment of every command: nothing of who runs the demo that leads to AWS, or out of here."""
    bin = str(Path(sys.executable).parent)
    variables = {
        **cleaned(os.environ),
        **aws.environment(),
        # Of the demo's own: `strata profiles` writes it.
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "CDKTF_OUTPUT": str(folder / "out"),
        # https leads to the emulated AWS as well, which refuses it: what ignores the endpoint gets nowhere.
        "HTTPS_PROXY": aws.url,
        "STRATA_CONFIG": str(folder / "config"),
        "TF_IN_AUTOMATION": "1",
        "TF_CLI_CONFIG_FILE": os.devnull,
    }
    return {
        **variables,
        **found.variables(variables),
        "PATH": os.pathsep.join([bin, variables.get("PATH", os.defpath)]),
    }


def assert_emulated(aws: Aws, variables: Mapping[str, str]) -> None:
    """Asks as the commands are going to: the answer must be the emulated account, and be given by this server.

    Raises:
        DemoError: it is not.
    """
    asking = "import boto3; print(boto3.client('sts', region_name='us-east-1').get_caller_identity()['Account'])"
    done = subprocess.run(
        [sys.executable, "-c", asking], env=dict(variables), capture_output=True, text=True, check=False
    )
    if done.stdout.strip() != ACCOUNT or not aws.calls(action="sts:GetCallerIdentity"):
        said = (done.stdout or done.stderr).strip().splitlines() or ["nothing"]
        raise DemoError(f"the emulated AWS at {aws.url} should say that this is account {ACCOUNT}: {said[-1]}")
