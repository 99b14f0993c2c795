"""Account assignments fold into few rules, which give exactly what they were made of."""

from __future__ import annotations

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
        _rule(organizational_units=("root",)),
        _rule(organizational_units=("workloads",)),
        _rule(organizational_units=("prod", "sandbox")),
        _rule(organizational_units=("test",), accounts=("management", "security-1")),
        _rule(accounts=("security-0", "security-1")),
        _rule(groups=("dev", "ops"), permission_sets=("Admin", "Read"), organizational_units=("prod",)),
        _rule(groups=("ops",), users=("ana",), organizational_units=("prod",)),
    ],
    ids=str,
)
def test_a_rule_that_somebody_would_write_comes_back(rule: Assignment) -> None:
    folded = fold(_expanded([rule]), ORGANIZATION)

    assert [_written(one) for one in folded] == [_written(rule)]


def test_a_unit_of_which_one_account_is_missing_is_not_folded() -> None:
    """Neither is what a tag has in common: both would be rules with exceptions that nobody would write."""
    most = _rule(organizational_units=("workloads",), **{"except": {"accounts": ("prod-1",)}})
    tagged = _rule(tags={"stage": "live"})

    (folded,) = fold(_expanded([most]), ORGANIZATION)
    (named,) = fold(_expanded([tagged]), ORGANIZATION)

    assert (folded.organizational_units, len(folded.accounts)) == (("test",), INSIDE["prod"] - 1)
    assert (named.organizational_units, named.tags) == ((), {})


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
