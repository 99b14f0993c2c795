"""Switches IAM Identity Center of the emulated AWS on, which in AWS somebody does in the console, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from strata.errors import ConfigurationError
from strata.load import load
from tests.aws.client import Aws


def main(url: str) -> None:
    """Switches it on where the configuration has it, in the organization of the account."""
    aws = Aws(url)
    try:
        region = load(Path(os.environ["STRATA_CONFIG"])).project.identity_center_region
        aws.client("organizations", region).describe_organization()
    except ConfigurationError as error:
        sys.exit("\n".join(map(str, error.faults)))
    except ClientError:
        sys.exit("no organization: run strata bootstrap before")
    aws.switch_identity_center_on(region)
    print(f"on in {region}")


if __name__ == "__main__":
    main(*sys.argv[1:])
