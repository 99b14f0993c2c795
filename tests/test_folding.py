"""Account assignments fold into few rules, which give exactly what they were made of."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.adoption.folding import fold
from strata.config.models import Assignment, Organization, Sso
from strata.landing_zone.grants import Grant, grants
from strata.landing_zone.selection import AccountSelector

UNITS: dict[str, Any] = {
    "security": {},
    "infrastructure": {},
    "workloads": {"organizational_units": {"prod": {}, "test": {}}},
    "sandbox": {},
}
INSIDE = {"security": 2, "infrastructure": 4, "prod": 6, "test": 5, "sandbox": 4, "root": 1}


def _organization(inside: dict[str, int] = INSIDE, retired: Iterable[str] = ()) -> Organization:
    accounts: dict[str, Any] = {
        f"{unit}-{number}": {
            "email": f"{unit}-{number}@example.com",
            "organizational_unit": unit,
            "tags": {"stage": "live"} if number % 2 else {},
        }
        for unit, count in inside.items()
        for number in range(count)
    }
    for key in retired:
        accounts[key]["retired"] = True
    return Organization.model_validate({"organizational_units": UNITS, "accounts": accounts})


ORGANIZATION = _organization()


def _expanded(assignments: list[Assignment], organization: Organization = ORGANIZATION) -> set[Grant]:
    return set(grants(Sso(assignments=tuple(assignments)), AccountSelector(organization)))


def _written(assignment: Assignment) -> dict[str, Any]:
    return assignment.model_dump(exclude_defaults=True, by_alias=True)


def _rule(**said: Any) -> Assignment:
    return Assignment.model_validate({"permission_sets": ("Admin",), "groups": ("ops",), **said})


@pytest.mark.parametrize(
    "rule",
    [
        _rule(accounts="all"),
        _rule(accounts="all", **{"except": {"accounts": ("prod-1",)}}),
        _rule(organizational_units=("root",)),
        _rule(organizational_units=("workloads",)),
        _rule(organizational_units=("root",), **{"except": {"organizational_units": ("sandbox",)}}),
        _rule(organizational_units=("prod", "sandbox"), **{"except": {"accounts": ("prod-1",)}}),
        _rule(organizational_units=("test",), accounts=("management", "security-1")),
        _rule(accounts=("security-0", "security-1")),
        _rule(tags={"stage": "live"}),
        _rule(groups=("dev", "ops"), permission_sets=("Admin", "Read"), organizational_units=("prod",)),
        _rule(groups=("ops",), users=("ana",), organizational_units=("prod",)),
    ],
    ids=str,
)
def test_a_rule_that_somebody_would_write_comes_back(rule: Assignment) -> None:
    folded = fold(_expanded([rule]), ORGANIZATION)

    assert [_written(one) for one in folded] == [_written(rule)]


def test_the_shorter_of_two_ways_is_taken() -> None:
    rule = _rule(organizational_units=("workloads",), **{"except": {"organizational_units": ("prod",)}})

    assert [_written(one) for one in fold(_expanded([rule]), ORGANIZATION)] == [
        _written(_rule(organizational_units=("test",)))
    ]


def test_two_accounts_are_named_though_they_are_a_unit() -> None:
    assert _written(*fold(_expanded([_rule(organizational_units=("security",))]), ORGANIZATION))["accounts"] == (
        "security-0",
        "security-1",
    )


def test_all_is_said_only_where_the_management_account_has_it() -> None:
    (everywhere,) = fold(_expanded([_rule(accounts="all")]), ORGANIZATION)
    (members,) = fold(_expanded([_rule(organizational_units=("root",))]), ORGANIZATION)

    assert everywhere.accounts == "all"
    assert (members.accounts, members.organizational_units) == ((), ("root",))


def test_literal_folds_no_account() -> None:
    (rule,) = fold(_expanded([_rule(accounts="all")]), ORGANIZATION, literal=True)

    assert set(rule.accounts) == {"management", *ORGANIZATION.accounts}


def test_full_access_of_a_user_reaches_no_later_account() -> None:
    """Account Factory gives it to one user in each account that it opens; a group, and less, are folded beside."""
    both = _rule(groups=("ops",), users=("ana",), permission_sets=("Admin", "Read"), organizational_units=("prod",))

    folded = fold(_expanded([both]), ORGANIZATION, full={"Admin"})

    wide = [(one.permission_sets, one.groups, one.users) for one in folded if one.organizational_units]
    assert _expanded(folded) == _expanded([both])
    assert wide == [(("Admin", "Read"), ("ops",), ()), (("Read",), (), ("ana",))]


def test_retired_accounts_neither_count_nor_get_anything() -> None:
    organization = _organization(retired=["prod-1"])
    given_ = _expanded([_rule(organizational_units=("prod",))], organization)

    assert [_written(one)["organizational_units"] for one in fold(given_, organization)] == [("prod",)]
    with pytest.raises(KeyError, match="prod-1"):
        fold([Grant("prod-1", "Admin", "GROUP", "ops")], organization)


GRANTS = st.sets(
    st.builds(
        Grant,
        st.sampled_from(["management", *ORGANIZATION.accounts]),
        st.sampled_from(["Admin", "Read", "Audit"]),
        st.just("GROUP") | st.just("USER"),
        st.sampled_from(["ops", "dev", "ana"]),
    )
)


@settings(max_examples=150)
@given(GRANTS, st.booleans())
def test_what_the_rules_give_is_what_they_were_made_of(given_: set[Grant], literal: bool) -> None:
    assert _expanded(fold(given_, ORGANIZATION, literal=literal)) == given_


def test_no_more_than_half_as_many_rules_again_as_an_organization_was_made_of() -> None:
    worst = 0.0
    for seed in range(12):
        dice = random.Random(seed)  # noqa: S311 - for variety
        made = _company(dice)
        folded = fold(_expanded(made, LARGE), LARGE)
        assert _expanded(folded, LARGE) == _expanded(made, LARGE)
        worst = max(worst, len(folded) / len(made))
    assert worst <= 1.5


LARGE = _organization({"security": 3, "infrastructure": 8, "prod": 40, "test": 40, "sandbox": 20, "root": 2})


def _company(dice: random.Random) -> list[Assignment]:
    """Makes the assignments of a company as people write them: some everywhere, most by unit, some by account."""
    teams = [f"team-{number}" for number in range(24)]
    made = [_rule(accounts="all"), _rule(permission_sets=("Audit",), groups=("audit",), organizational_units=("root",))]
    made.append(_rule(permission_sets=("Read",), groups=tuple(teams), organizational_units=("test", "sandbox")))
    for team in teams:
        unit = dice.choice(("prod", "test", "infrastructure"))
        inside = sorted(key for key, account in LARGE.accounts.items() if account.organizational_unit == unit)
        accounts = tuple(dice.sample(inside, dice.randint(1, 5)))
        names = tuple(dice.sample(["Develop", "Deploy", "Operate"], dice.randint(1, 2)))
        made.append(_rule(permission_sets=names, groups=(team,), accounts=accounts))
        if dice.random() < 0.3:
            excepted = {"accounts": tuple(dice.sample(inside, 1))}
            made.append(
                _rule(permission_sets=("View",), groups=(team,), organizational_units=(unit,), **{"except": excepted})
            )
    alone = [_rule(groups=(), users=(f"user-{number}",), accounts=("prod-1",)) for number in range(6)]
    return made + alone
