"""What AWS charges for, of the resources that a state has: by the names in strata/price/prices.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from strata.kinds.arguments import Attributes

_FOUNDATIONAL = ("guardduty_management_events", "guardduty_flow")
_ALL = "ALL"


def charged(type: str, name: str, attributes: Attributes) -> Iterator[str]:
    """Yields the prices of a resource, by its type, its name and its attributes."""
    match type:
        case "aws_kms_key":
            yield "kms_key"
        case "aws_cloudtrail":
            yield "s3_put"
        case "aws_accessanalyzer_analyzer" if name == "unused-access":
            yield "unused_access"
        case "aws_guardduty_organization_configuration" if attributes.get("auto_enable_organization_members") == _ALL:
            yield from _FOUNDATIONAL
        case "aws_guardduty_member":
            yield from _FOUNDATIONAL
        case "aws_guardduty_organization_configuration_feature" if attributes.get("auto_enable") == _ALL:
            yield f"guardduty_{attributes['name'].lower()}"
        case "aws_guardduty_member_detector_feature" if attributes.get("status") == "ENABLED":
            yield f"guardduty_{attributes['name'].lower()}"
