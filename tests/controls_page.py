"""Writes docs/controls.md: per control of security.yaml, its effect at AWS when it is on, off or unmanaged.

The effects are read from synthesized stacks, the parameters from the models; only the words stand here, those of the
picture too. `make golden` stores the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from strata.config.descriptions import descriptions
from strata.config.models import Control, RegionalSetting, Security, Setting
from strata.config.weaker import Weaker
from tests.synthesized import Stack


@dataclass(frozen=True)
class Facts:
    """The words for one control.

    Attributes:
        things: its resource types, and the words for those that people know; the others go with them.
        page: AWS's page on it.
        notes: what else is worth knowing.
        short: its words in the picture of README.md.
    """

    things: Mapping[str, str]
    page: str
    notes: tuple[str, ...] = ()
    short: str = ""


GUIDES = "https://docs.aws.amazon.com"
FACTS: Mapping[str, Facts] = {
    "ebs_encryption": Facts(
        {"aws_ebs_encryption_by_default": "the setting"},
        f"{GUIDES}/ebs/latest/userguide/encryption-by-default.html",
        ("Volumes that exist stay as they are.",),
        short="EBS encryption",
    ),
    "instance_metadata": Facts(
        {"aws_ec2_instance_metadata_defaults": "the defaults"},
        f"{GUIDES}/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html",
        ("Instances that exist stay as they are.",),
        short="IMDSv2",
    ),
    "snapshot_public_access": Facts(
        {"aws_ebs_snapshot_block_public_access": "the block"},
        f"{GUIDES}/ebs/latest/userguide/block-public-access-snapshots.html",
        short="no public snapshots",
    ),
    "image_public_access": Facts(
        {"aws_ec2_image_block_public_access": "the block"},
        f"{GUIDES}/AWSEC2/latest/UserGuide/block-public-access-to-amis.html",
        short="no public images",
    ),
    "s3_public_access": Facts(
        {"aws_s3_account_public_access_block": "the block"},
        f"{GUIDES}/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
        short="no public buckets",
    ),
    "password_policy": Facts(
        {"aws_iam_account_password_policy": "the policy"},
        f"{GUIDES}/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html",
        ("People of Identity Center are not IAM users: their passwords have rules of their own.",),
        short="password policy",
    ),
    "access_analyzer": Facts(
        {"aws_accessanalyzer_analyzer": "the analyzers"},
        f"{GUIDES}/IAM/latest/UserGuide/what-is-access-analyzer.html",
        short="access analyzers",
    ),
    "trail": Facts(
        {
            "aws_cloudtrail": "the trail",
            "aws_s3_bucket": "its bucket with the log files",
            "aws_s3_bucket_lifecycle_configuration": "",
            "aws_s3_bucket_ownership_controls": "",
            "aws_s3_bucket_policy": "",
            "aws_s3_bucket_public_access_block": "",
            "aws_s3_bucket_server_side_encryption_configuration": "",
        },
        f"{GUIDES}/awscloudtrail/latest/userguide/creating-trail-organization.html",
        (
            "`strata deploy` asks by itself before it destroys the trail.",
            "To switch it on again, import the bucket: `aws_s3_bucket.trail` in `imports.yaml`.",
        ),
        short="organization trail",
    ),
    "alerts": Facts(
        {
            "aws_sns_topic": "the topics",
            "aws_sns_topic_subscription": "their subscriptions",
            "aws_cloudwatch_event_rule": "the rules of EventBridge",
            "aws_cloudwatch_event_target": "",
            "aws_sns_topic_policy": "",
        },
        f"{GUIDES}/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html",
        ("`break_glass` in `sso.yaml` needs it on.", "An address that is added confirms by the mail that AWS sends."),
        short="alerts",
    ),
    "budget": Facts(
        {"aws_budgets_budget": "the budget"},
        f"{GUIDES}/cost-management/latest/userguide/budgets-managing-costs.html",
        short="budget",
    ),
    "anomaly_monitor": Facts(
        {"aws_ce_anomaly_monitor": "the monitor", "aws_ce_anomaly_subscription": "its subscription"},
        f"{GUIDES}/cost-management/latest/userguide/manage-ad.html",
        ("AWS has often made the one monitor that an account may have: [costs.md](costs.md#the-anomaly-monitor).",),
        short="cost anomalies",
    ),
    "alternate_contacts": Facts(
        {"aws_account_alternate_contact": "the contacts"},
        f"{GUIDES}/accounts/latest/reference/manage-acct-update-contact-alternate.html",
        ("A contact that is not given keeps what it is at AWS.",),
    ),
    "github_actions": Facts(
        {
            "aws_iam_openid_connect_provider": "the identity provider",
            "aws_iam_role": "both roles",
            "aws_iam_role_policy": "",
            "aws_iam_role_policy_attachment": "",
        },
        f"{GUIDES}/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
        ("It gives access; `strata report --diff` counts switching it on as a risk.",),
    ),
}
WEAKER = {
    Weaker.LOWER: "a smaller number",
    Weaker.HIGHER: "a larger number",
    Weaker.LATER: "a larger number, or 0",
    Weaker.OFF: "`false`",
    Weaker.FEWER: "an address less",
    Weaker.ELSE: "any but the default",
    Weaker.GONE: "not given",
    Weaker.NEVER: "",
}

INTRODUCTION = """\
# The controls of security.yaml

Each control has a mode. `make golden` writes this page from the stacks that Strata makes and the models; a
test fails when it differs. [costs.md](costs.md) says what AWS charges for them.

| Mode | Meaning |
|---|---|
| `on` | Strata makes or sets it, and keeps it so with every deploy |
| `off` | Strata removes the things it made; a setting of the account stays, since nothing is weakened silently |
| `unmanaged` | Strata forgets it (`removed` with `destroy = false`): everything stays, for somebody else |

Left as it is means just that: after `off` or `unmanaged` a setting is still set at AWS. To take it back, do so at AWS.
A control without an entry in `security.yaml` has the default mode. A region that leaves `regions.governed` is treated
as `unmanaged` there. The controls reach the management account and its regions; settings of members come from policies
(`ec2_defaults` in `organization.yaml`), and alternate contacts reach every account.

`strata report --diff` calls a weaker field a risk to guardrails.
"""


@dataclass(frozen=True)
class Effects:
    """The `security` stack with every control on, off and unmanaged."""

    on: Stack
    off: Stack
    unmanaged: Stack

    def destroyed(self, kind: str, *, mode: str) -> bool:
        """Returns whether a mode destroys the resources of a type; else it leaves all of them as they are.

        Raises:
            AssertionError: it does the one to some of them and the other to others.
        """
        stack: Stack = getattr(self, mode)
        made = {address for address in self.on.addresses if address.startswith(f"{kind}.")}
        left = made & set(stack.forgotten)
        assert made, f"no stack has {kind}"
        assert not made & set(stack.addresses), f"{kind} is still made when it is {mode}"
        assert left in (set(), made), f"{kind} is in part left as it is when it is {mode}"
        return not left


@dataclass(frozen=True)
class Page:
    """The page as a whole."""

    effects: Effects

    def text(self) -> str:
        """Returns the page."""
        controls = Security.kinds(Control)
        return "\n".join([INTRODUCTION, *(part for name in controls for part in self._control(name, controls[name]))])

    def _control(self, name: str, control: type[Control]) -> Iterator[str]:
        facts, security = FACTS[name], descriptions(Security)
        yield f"## {name}\n"
        yield f"{' '.join((security.get(name) or control.__doc__ or '').split())} [AWS]({facts.page})\n"
        yield "| Mode | At AWS |\n|---|---|"
        default = _mode(name)
        modes = {"on": self._on(control, facts), **{mode: self._let_go(facts, mode) for mode in ("off", "unmanaged")}}
        for text, same in groupby(modes, modes.__getitem__):
            names = [f"`{mode}`{', the default' if mode == default else ''}" for mode in same]
            yield f"| {'; '.join(names)} | {text} |"
        yield ""
        if words := [*_fields(name, control), *facts.notes, *_more(control)]:
            yield f"{' '.join(words)}\n"

    def _on(self, control: type[Control], facts: Facts) -> str:
        if issubclass(control, Setting):
            values = ", ".join(f"`{key}` {_word(value)}" for key, value in control().values.items())
            where = "in each governed region" if issubclass(control, RegionalSetting) else "in the management account"
            return f"sets {values} {where}"
        things = [words for words in facts.things.values() if words]
        return (
            f"makes {_row(things)}" if control.__name__ != "AlternateContacts" else "sets the contacts that are given"
        )

    def _let_go(self, facts: Facts, mode: str) -> str:
        gone = {kind: self.effects.destroyed(kind, mode=mode) for kind in facts.things}
        destroyed = [words for kind, words in facts.things.items() if words and gone[kind]]
        left = [words for kind, words in facts.things.items() if words and not gone[kind]]
        parts = [f"destroys {_row(destroyed)}"] if destroyed else []
        return "; ".join([*parts, *([f"leaves {_row(left)} unchanged"] if left else [])])


def _fields(name: str, control: type[Control]) -> Iterator[str]:
    """Yields where the fields of a control stand, and which values of them are weaker."""
    fields = [(field, found) for field, found in control.model_fields.items() if field != "mode"]
    weaker = {
        words: [f"`{field}`" for field, found in fields if mark in found.metadata] for mark, words in WEAKER.items()
    }
    said = "; ".join(f"{', '.join(names)}: {words}" for words, names in weaker.items() if words and names)
    if fields:
        yield f"[Its fields](configuration.md#{name})."
    if said:
        yield f"Weaker: {said}."


def _more(control: type[Control]) -> Iterator[str]:
    if issubclass(control, Setting):
        if control.declared_as:
            yield "Where a declarative policy sets the same, AWS rejects it for an account, and Strata leaves it out."
        if control.breaks:
            yield f"Switching it on may break something: {control.breaks}."


def _mode(name: str) -> str:
    return str(getattr(Security(), name).mode.value)


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_word, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _row(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if words[1:] else words[0]
