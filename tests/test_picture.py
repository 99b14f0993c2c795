"""docs/picture.svg shows what the shipped configuration becomes."""

from __future__ import annotations

import re
from html import unescape

from strata.load import load
from tests.conftest import Golden
from tests.documents import CHECKOUT
from tests.picture import picture
from tests.synthesized import SHIPPED, Deployment


def test_the_picture_is_current(golden: Golden) -> None:
    golden("../../docs/picture.svg", picture(load(SHIPPED)))

    assert "](docs/picture.svg)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_picture_counts_what_the_stacks_make(shipped: Deployment) -> None:
    """It is drawn from the configuration; the Terraform has as many of each."""
    texts = "\n".join(unescape(one) for one in re.findall(r"<text[^>]*>(.*?)</text>", picture(load(SHIPPED))))

    def made(stack: str, kind: str) -> int:
        return sum(address.startswith(f"{kind}.") for address in shipped[stack].addresses)

    assert f"{made('organizations', 'aws_organizations_organizational_unit')} units" in texts
    assert f"{made('organizations', 'aws_organizations_policy')} policies" in texts
    assert f"{made('sso', 'aws_identitystore_group')} groups, " in texts
    assert f"{made('sso', 'aws_ssoadmin_permission_set')} permission sets" in texts
    assert f"{made('sso', 'aws_ssoadmin_account_assignment')} account assignments" in texts
    for words, kind in (
        ("organization trail", "aws_cloudtrail"),
        ("IMDSv2", "aws_ec2_instance_metadata_defaults"),
        ("no public images", "aws_ec2_image_block_public_access"),
        ("password policy", "aws_iam_account_password_policy"),
        ("cost anomalies", "aws_ce_anomaly_monitor"),
    ):
        assert (words in texts.replace("\n", " ")) == bool(made("security", kind)), words


def test_words_stay_in_their_boxes() -> None:
    """A line that is too long for its box would be drawn over the next column; letters of 13 px take some 6.3."""
    drawn = picture(load(SHIPPED))
    boxes = [tuple(map(int, found)) for found in re.findall(r'<rect x="(\d+)" y="\d+" width="(\d+)"', drawn)]
    lines = [(int(left), unescape(text)) for left, text in re.findall(r'<text x="(\d+)"[^>]*>(.*?)</text>', drawn)]

    for left, text in lines:
        ends = [start + width for start, width in boxes if start <= left < start + width]
        assert left + 6.7 * len(text) <= max(ends, default=960), text
