"""What Terraform's preconditions and the checks before a plan refuse, told in one run with what the plans take away."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from strata.config.layers import IN_ACCOUNT
from strata.deploy import refusing
from strata.errors import Fault, Message, StrataError
from strata.identity import Examination
from strata.identity.comparison import Refusal
from strata.identity.declared import declared
from strata.load import load
from strata.options import Options
from strata.terraform.errors import TerraformError
from strata.terraform.events import failure
from strata.terraform.failed_checks import other_errors
from strata.terraform.guarded import judged
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.situation import RefusedError, Situation
from tests.synthesized import SHIPPED

ZONE = load(SHIPPED)
HERE = declared(ZONE)
NOTHING = cast("Any", None)
NAMES = cast("Any", SimpleNamespace(taken=list))
TABLE = "aws_dynamodb_table.lock"
KEYS = (
    "The key of a thing changed while the thing stayed ({}): {}. Nothing was changed: Terraform would destroy it under "
    "the old key, or mix two up. Write the old key again."
)


def situation(**more: Any) -> Situation:
    stacks = ("organizations", "sso")
    states = {stack: {"version": 4} for stack in stacks}
    more = {"examination": Examination(declared=HERE), "chosen": stacks, "states": states, **more}
    return Situation(ZONE, NOTHING, NOTHING, **more)


def errored(
    *details: str, stack: str = "organizations", summary: str = "Module output value precondition failed"
) -> Plan:
    """Returns a plan that ends with failed preconditions, as Terraform's diagnostics have them."""
    failures = tuple(failure({"severity": "error", "summary": summary, "detail": detail}) for detail in details)
    told = tuple(each.text for each in failures)
    failed = cast("TerraformError", SimpleNamespace(failures=failures))
    return Plan(stack, error=Message("terraform-failed", "no"), failed=failed, told=told)


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        (
            errored(KEYS.format("ou", "shared (was common), security (was safe)")),
            [
                ("organization.yaml", ("key-renamed", "strata rename ou common shared")),
                ("organization.yaml", ("key-renamed", "strata rename ou safe security")),
            ],
        ),
        (
            errored(KEYS.format("group", "finops (was devops), devops (was finops)"), stack="sso"),
            [("sso.yaml", ("key-renamed", "")), ("sso.yaml", ("key-renamed", ""))],
        ),
        (
            errored("Accounts that are not declared: a@b. Nothing was changed. Write them into organization.yaml."),
            [("organization.yaml", ("check-failed", ""))],
        ),
        (
            errored("moves.yaml moves a thing to the key of another (ou): a (was b). Nothing was changed. A move."),
            [("moves.yaml", ("check-failed", ""))],
        ),
        (errored("It is wrong", stack=f"mine{IN_ACCOUNT}shared"), []),
        (errored("AWS is away", summary="Error"), []),
    ],
    ids=["keys", "a swap", "another", "a move", "in an account", "another error"],
)
def test_a_failed_precondition_is_refused_where_its_entry_stands(
    plan: Plan, wanted: list[tuple[str, tuple[str, str]]]
) -> None:
    """A key that is another thing's now has no line: nothing was renamed. An account stops no other."""
    verdict = judged(situation(), NAMES, [plan], asks=True)

    found = [
        (refusal.fault.file.rpartition("/")[2], (refusal.fault.problem.id, *(refusal.lines or ("",))))
        for refusal in verdict.refused
    ]
    assert found == wanted
    assert all("Nothing was changed" not in refusal.fault.problem for refusal in verdict.refused)
    assert len(list(other_errors(plan))) == (0 if wanted else 1)


def test_what_the_guard_refuses_is_told_beside_it() -> None:
    plan = replace(errored("It is wrong"), partial={TABLE: PlannedChange("delete")})

    verdict = judged(situation(), NAMES, [plan], asks=True)

    assert [refusal.fault.problem.id for refusal in verdict.refused] == ["holds-data", "check-failed"]


# What the checks refuse


CHECKED = RefusedError([Refusal(Fault("sso.yaml", 1, "", Message("key-renamed", "it is"), ""))])
OLD, GONE = "aws_organizations_account.old", "aws_organizations_account.gone"
LOST = {at: PlannedChange("delete") for at in (OLD, GONE, TABLE)}


def told(monkeypatch: pytest.MonkeyPatch, plan: Any, here: Situation | None = None) -> list[str]:
    """Returns what is refused after a check refused something, by what the planner answers."""

    def plan_all(stacks: list[str]) -> list[Plan]:
        assert stacks == ["organizations", "sso"]
        if isinstance(plan, StrataError):
            raise plan
        return [plan]

    monkeypatch.setattr(refusing, "plan_folder", lambda _: nullcontext())
    monkeypatch.setattr(refusing, "planner_of", lambda *_: SimpleNamespace(plan_all=plan_all))
    monkeypatch.setattr(refusing, "Known", SimpleNamespace(of=lambda _: SimpleNamespace(names=NAMES)))
    found = refusing.with_losses(cast("Options", None), here or situation(), CHECKED, NOTHING)
    return sorted(refusal.fault.problem.id for refusal in found.refusals)


def test_what_plans_take_away_is_told_with_what_the_checks_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under another key is told once, and that only; so is what a precondition would say again."""
    thing = replace(HERE.things["account", "shared"], key="old")
    recorded = replace(HERE, things={("account", "old"): thing})
    here = situation(examination=Examination(declared=HERE, recorded=recorded))

    assert told(monkeypatch, Plan("organizations", LOST), here) == ["account-undeclared", "holds-data", "key-renamed"]
    assert told(monkeypatch, replace(errored("It is wrong"), partial=LOST), here) == told(
        monkeypatch, Plan("organizations", LOST), here
    )


def test_where_nothing_can_be_planned_the_checks_are_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or with what stops the planning by itself; before the first deploy Terraform is not even started."""
    refused = RefusedError([Refusal(Fault("sso.yaml", 2, "", Message("made-by-others", "it is"), ""))])

    assert told(monkeypatch, StrataError(Message("tool-failed", "no"))) == ["key-renamed"]
    assert told(monkeypatch, refused) == ["key-renamed", "made-by-others"]
    assert told(monkeypatch, None, situation(states={"organizations": {}, "sso": {}})) == ["key-renamed"]
