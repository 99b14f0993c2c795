"""Which types of resources AWS Backup looks after in a region, which moto has not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws.calls import Call, Parameters, Refused, Service

backup = Service("backup")
_ON = ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "Storage Gateway")
"""https://docs.aws.amazon.com/cli/latest/reference/backup/describe-region-settings.html"""
_OFF = (
    *("CloudFormation", "DocumentDB", "FSx", "Neptune", "Redshift", "S3", "SAP HANA on Amazon EC2", "Timestream"),
    "VirtualMachine",
)
_MISSING = {"us-west-1": {"DocumentDB", "Neptune", "Timestream"}, "af-south-1": {"Timestream"}}
"""Types that a region has not: https://github.com/hashicorp/terraform-provider-aws/issues/21801"""


@dataclass
class Preferences:
    """What was chosen in one account and region, by the name of the preference."""

    chosen: dict[str, dict[str, bool]] = field(default_factory=dict)


@backup.answers("UpdateRegionSettings")
def update(call: Call) -> Parameters:
    """Changes the types that are named, in the words of https://github.com/boto/boto3/issues/3758 where one is not."""
    known = _preferences(call)
    for preference, wanted in call.parameters.items():
        if unknown := sorted(wanted.keys() - known.get(preference, {}).keys()):
            words = {"ResourceTypeOptInPreference": "opt in preference"}.get(preference, "management preference")
            text = f"Element present in resource type {words} has invalid values."
            hint = "Please use describeRegionSettings API to know the supported resource types"
            raise Refused("InvalidParameterValueException", f"{text} {hint} ({', '.join(unknown)})")
        call.keeps_here(Preferences).chosen.setdefault(preference, {}).update(wanted)
    return {}


@backup.answers("DescribeRegionSettings")
def describe(call: Call) -> Parameters:
    return dict(_preferences(call))


def _preferences(call: Call) -> dict[str, dict[str, bool]]:
    missing, chosen = _MISSING.get(call.region, set()), call.keeps_here(Preferences).chosen
    defaults = {
        "ResourceTypeOptInPreference": {name: name in _ON for name in sorted((*_ON, *_OFF)) if name not in missing},
        "ResourceTypeManagementPreference": {"DynamoDB": False, "EFS": True},
    }
    return {preference: {**types, **chosen.get(preference, {})} for preference, types in defaults.items()}
