"""The evaluator answers as AWS documents, as another evaluator does, and never guesses what it does not know."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.policy import unknown
from strata.policy.answers import Answer, Outcome
from strata.policy.asked import settled
from strata.policy.documents import parse
from strata.policy.evaluator import evaluate
from strata.policy.keys import PRESENT
from strata.policy.layers import AccountLevels, Policies, PolicyLayer
from strata.policy.operators import OPERATORS
from strata.policy.patterns import ActionPatterns, Pattern, PatternKind
from strata.policy.requests import ABSENT, Context, Request, RequestPrincipal
from strata.policy.truth import Truth, all_of, any_of, negated
from tests.vectors.vectors import DOCUMENTED_OTHERWISE, Json, answer, documented, recorded

# Vectors

WAYS = [(before, after) for before in ("", "ForAnyValue:", "ForAllValues:") for after in ("", "IfExists")]
"""What may stand before and behind an operator."""


@pytest.fixture(scope="module")
def vectors() -> list[Json]:
    """The vectors of both sources, with the answer that is right."""
    words = {"Allowed": "allowed", "ExplicitlyDenied": "denied", "ImplicitlyDenied": "denied"}
    right: list[str] = [DOCUMENTED_OTHERWISE.get(index) or one["answer"] for index, one in enumerate(recorded())]
    return [
        {**one, "answer": words[said], "explicit": said == "ExplicitlyDenied"}
        for one, said in zip(recorded(), right, strict=True)
        if not (_SHORT_ARN.search(json.dumps(one)) and answer(one).outcome is Outcome.DEPENDS)
    ]


_SHORT_ARN = re.compile(r'Arn\w+": \{[^}]*"(?:\*|arn:aws:iam:\*)"')
"""A test by a pattern of fewer than six parts: AWS does not say what it matches, so that an answer may be open."""


def test_what_aws_documents() -> None:
    """Each of the vectors written by hand comes out as the page says that it names."""
    found = [(one, answer(one).outcome) for one in documented()]
    wrong = [(one["page"], one, outcome) for one, outcome in found if outcome != one["answer"]]

    assert len(found) >= 200
    assert wrong == []


def test_what_another_evaluator_answers(vectors: list[Json]) -> None:
    """Thousands of recorded answers, those of explicit denials with a statement that denies."""
    wrong = []
    for one in vectors:
        found = answer(one)
        statement = found.decided.statement
        denied = statement is not None and not statement.allows
        if found.outcome != one["answer"] or denied is not one["explicit"]:
            wrong.append((one, found.outcome, found.decided))

    assert len(vectors) >= 5000
    assert wrong == []


def test_what_aws_documents_otherwise_is_a_negation_of_a_variable() -> None:
    """No recorded answer is passed over for another reason, and none that is right already."""
    vectors = recorded()
    for index, right in DOCUMENTED_OTHERWISE.items():
        assert vectors[index]["answer"] != right
        assert re.search(r"Not(Equals|Like)\w*\": [^}]*\$\{", json.dumps(vectors[index]))


@pytest.fixture(scope="module")
def by_operator(vectors: list[Json]) -> dict[str, list[Json]]:
    """The vectors that use each operator, by its name as a policy has it."""
    found: dict[str, list[Json]] = {}
    for one in [*documented(), *vectors]:
        for name in set(re.findall(r'"((?:For\w+:)?[A-Z][A-Za-z]+)": \{"', json.dumps(one))):
            found.setdefault(name, []).append(one)
    return found


def test_the_vectors_cover_every_operator_and_every_kind_of_policy(
    vectors: list[Json], by_operator: dict[str, list[Json]]
) -> None:
    answers = Counter(one["answer"] for one in vectors)

    assert {f"{before}{name}{after}" for name in OPERATORS for before, after in WAYS} - set(by_operator) == set()
    assert min(answers.values()) > 1000
    for kind in ("identity", "scp", "rcp", "boundary", "resource_policy"):
        assert sum(bool(one[kind]) for one in vectors) > 500, kind


# Properties

KEYS = ("svc:a", "svc:b", "svc:c")
VALUES = ("x", "y", "xy", "10.0.0.1", "5")
operators = st.sampled_from(
    [
        *("StringEquals", "StringNotLike", "StringLikeIfExists", "ForAllValues:StringEquals", "Null", "Bool"),
        *("ForAnyValue:StringNotEquals", "IpAddress", "NotIpAddress", "NumericLessThan", "ArnNotLike"),
    ]
)
wanted = st.sampled_from(["x", "x*", "${svc:b}", "${svc:c, 'y'}", "5", "10.0.0.0/8", "true", "arn:aws:s3:::*"])
conditions = st.dictionaries(operators, st.dictionaries(st.sampled_from(KEYS), wanted, max_size=2), max_size=2)


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    """A statement about a request of ours, more often than not."""
    action = draw(st.sampled_from(["s3:GetObject", "s3:*", "*", "s3:Put*"]))
    resource = draw(st.sampled_from(["*", "arn:aws:s3:::b/*", "arn:aws:s3:::${svc:a}/k", "arn:aws:s3:::other"]))
    return {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): action,
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): resource,
        "Condition": draw(conditions),
    }


documents = st.lists(statements(), min_size=1, max_size=4)
contexts = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([*VALUES, ("x", "y"), ABSENT]), max_size=3)
Statements = list[dict[str, Any]]


def judged(identity: Statements, scp: Statements, context: Context, boundary: Statements | None = None) -> Answer:
    """Returns the answer to a request of a user."""
    account = AccountLevels("111122223333", service_control=(layer(scp),))
    request = Request(
        RequestPrincipal("arn:aws:iam::111122223333:user/kim"), "s3:GetObject", "arn:aws:s3:::b/k", context=context
    )
    limit = layer(boundary) if boundary else None
    return evaluate(request, Policies(account, account, layer(identity), limit))


def layer(found: Statements) -> PolicyLayer:
    return PolicyLayer("layer", (parse(json.dumps({"Version": "2012-10-17", "Statement": found}), "policy"),))


@given(documents, documents, contexts, statements(effects=("Deny",)), st.integers(0, 4), st.booleans())
@settings(max_examples=60)
def test_one_more_deny_never_allows(
    identity: Statements, scp: Statements, values: dict[str, Any], deny: dict[str, Any], at: int, complete: bool
) -> None:
    context = Context(values, complete=complete)
    before = judged(identity, scp, context)
    for after in (
        judged([*identity[:at], deny, *identity[at:]], scp, context),
        judged(identity, [*scp[:at], deny, *scp[at:]], context),
    ):
        assert not after.allowed or before.allowed
        assert before.outcome is not Outcome.DENIED or after.outcome is Outcome.DENIED


@given(documents, documents, contexts, st.sampled_from(KEYS), st.sampled_from([*VALUES, ("x", "y"), ABSENT]))
@settings(max_examples=120)
def test_a_key_that_is_filled_in_only_refines_depends(
    identity: Statements, scp: Statements, values: dict[str, Any], key: str, value: Any
) -> None:
    """What was allowed or denied without a key stays so; and with every key known nothing depends on one."""
    before = judged(identity, scp, Context(values))
    after = judged(identity, scp, Context({key: value, **values}))
    closed = judged(identity, scp, Context(values, complete=True))

    for refined in (after, closed):
        assert before.outcome in (Outcome.DEPENDS, refined.outcome)
    assert set(before.keys) <= {*KEYS, "svc:A"}
    # AWS does not say what comes of a variable without a value in NotResource, nor of several values as one.
    several = {key for key, value in values.items() if value == ("x", "y")}
    assert closed.outcome is not Outcome.DEPENDS or set(closed.keys) <= {"svc:a", *several}


REAL: dict[str, list[Any]] = {
    "aws:SourceVpce": ["x", "xy", "y", "", "zx"],
    "aws:SourceIp": ["10.0.0.1", "10.1.2.3", "10.200.0.1", "192.0.2.7", "2001:db8::9"],
    "aws:SecureTransport": ["true", "false"],
    "aws:TagKeys": ["x", ("x", "y"), ("y", "z"), ("",), ""],
    "aws:MultiFactorAuthAge": ["0", "5", "5.5", "99"],
    "aws:CurrentTime": ["2020-01-01T00:00:00Z", "2027-05-05"],
}
"""Keys of AWS's with some of their values."""
TESTS = [
    *(("aws:SourceVpce", one) for one in ("StringEquals", "StringNotLike", "StringLikeIfExists", "Null")),
    *(("aws:SourceIp", one) for one in ("IpAddress", "NotIpAddress", "StringLike", "Null")),
    *(("aws:SecureTransport", one) for one in ("Bool", "BoolIfExists", "StringEquals", "Null")),
    *(("aws:TagKeys", one) for one in ("ForAllValues:StringLike", "ForAnyValue:StringLike", "Null")),
    *(("aws:TagKeys", one) for one in ("ForAllValues:StringNotEquals", "ForAnyValue:StringNotLike")),
    *(("aws:MultiFactorAuthAge", one) for one in ("NumericLessThan", "NumericGreaterThanEqualsIfExists")),
    *(("aws:CurrentTime", one) for one in ("DateGreaterThan", "DateLessThanEquals")),
]
COMPARED = {
    "aws:SourceVpce": ["x", "x*", "*y", "*", "?", "${aws:SourceIp}"],
    "aws:SourceIp": ["10.1*", "10.0.0.0/8", "10.128.0.0/9", "0.0.0.0/0", "::/0"],
    "aws:SecureTransport": ["true", "false"],
    "aws:TagKeys": ["x", "*", "y*"],
    "aws:MultiFactorAuthAge": ["5", "10"],
    "aws:CurrentTime": ["2020-01-01T00:00:00Z", "2026-01-01"],
}


@st.composite
def real_statements(draw: st.DrawFn) -> dict[str, Any]:
    """A statement with one or two tests of keys of AWS's."""
    condition: dict[str, dict[str, str]] = {}
    for key, operator in draw(st.lists(st.sampled_from(TESTS), min_size=1, max_size=2)):
        compared = ["true", "false"] if operator == "Null" else COMPARED[key]
        condition.setdefault(operator, {})[key] = draw(st.sampled_from(compared))
    return {"Effect": draw(st.sampled_from(["Allow", "Deny"])), "Action": "*", "Resource": "*", "Condition": condition}


@given(st.lists(real_statements(), min_size=1, max_size=4), st.data())
@settings(max_examples=150)
def test_what_is_settled_holds_whatever_the_open_keys_are(given_: Statements, data: st.DataObject) -> None:
    """With any value of each key the answer is the one that was given without them."""
    account = AccountLevels(
        "111122223333", service_control=(layer([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),)
    )
    request = Request(RequestPrincipal("arn:aws:iam::111122223333:user/kim"), "s3:GetObject", "arn:aws:s3:::b/k")
    policies = Policies(account, account, layer(given_))
    before = settled(request, policies)
    values = {
        key: data.draw(st.sampled_from([*some, *([] if key.lower() in PRESENT else [ABSENT])]))
        for key, some in REAL.items()
    }
    after = evaluate(replace(request, context=Context(values)), policies)

    assert before.outcome in (Outcome.DEPENDS, after.outcome)


@given(st.lists(st.sampled_from([True, False, frozenset({"a"}), frozenset({"b"})]), max_size=4))
def test_three_valued_logic(truths: list[Truth]) -> None:
    assert all_of(truths) == negated(any_of(map(negated, truths)))
    if all(isinstance(one, bool) for one in truths):
        assert all_of(truths) is all(truths)


# Patterns and what is not known

parts = st.sampled_from(["a", "0", "1", ":", "*", "?"])


@given(st.text("a01:*?", max_size=6), st.text("a01:\ue000\ue001", max_size=5), st.sampled_from(PatternKind))
@settings(max_examples=200)
def test_a_value_with_unknown_parts_matches_only_if_all_values_do(text: str, value: str, kind: PatternKind) -> None:
    """Whatever an unknown part turns out to be, an answer that was certain stays."""
    found = Pattern(text, kind).match(value)
    for digit in "01a":
        for anything in ("", "a", "1:0"):
            known = Pattern(text, kind).match(value.replace("\ue000", digit).replace("\ue001", anything))
            assert found in (None, known)


def test_unknown_accounts_differ_from_each_other() -> None:
    one, other = unknown.account_id(1), unknown.account_id(2)

    assert Pattern(one, PatternKind.EXACT).match(one) is True
    assert Pattern(one, PatternKind.EXACT).match(other) is False
    assert Pattern("111122223333", PatternKind.EXACT).match(one) is None
    assert Pattern("11112222333x", PatternKind.EXACT).match(one) is False
    assert Pattern("arn:aws:iam::*:role/x", PatternKind.ARN).match(f"arn:aws:iam::{one}:role/x") is True


RESERVED = "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com"


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        (f"{RESERVED}/AWSReservedSSO_Admin_????????????????", True),
        (f"{RESERVED}/*AWSReservedSSO_Admin_*", True),
        (f"{RESERVED}/AWSReservedSSO_Admin_0123456789abcdef", None),
        (f"{RESERVED}/AWSReservedSSO_Admin_0123456789abcdeg", False),
        (f"{RESERVED}/AWSReservedSSO_Admin_???", False),
        ("arn:*:iam::*:role/*AWSReservedSSO_Admin_*f", None),
        ("arn:*:iam::*:role/*AWSReservedSSO_Administrator_*", False),
    ],
)
def test_the_suffix_of_a_role_of_identity_center_is_not_known(pattern: str, answer: bool | None) -> None:
    arn = f"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_{unknown.SUFFIX}"

    assert Pattern(pattern, PatternKind.ARN).match(arn) is answer


@pytest.mark.parametrize(
    "match", [Pattern("*a" * 60 + "b", PatternKind.TEXT).match, ActionPatterns(["*a" * 60 + "b"]).match]
)
def test_many_stars_are_not_slow(match: Callable[[str], Any]) -> None:
    """Without end, if each star would give back what it took."""
    assert match("a" * 3000) is False


# Documents

POLICY = """{
  "Version": "2012-10-17",
  "Id": "a { [ \\" : \\n",
  "Statement": [
    { "Sid": "First", "Effect": "Deny", "Action": "s3:*", "Resource": ["*"], "Condition": {"Bool": {"a:b": "true"}} },

    {
      "Effect": "Allow", "Action": "*",
      "Resource": "*" }
  ]
}
"""


def test_an_answer_names_file_line_sid_and_level() -> None:
    found = parse(POLICY, "policies/x.json", line=lambda at: 7 if 1 in at else 5)
    account = AccountLevels("1", service_control=(PolicyLayer("SCPs of the root", (found,)),))
    request = Request(RequestPrincipal("arn:aws:iam::1:role/x"), "s3:GetObject", context=Context({"a:b": "true"}))
    denied = evaluate(request, Policies(account, account, PolicyLayer("identity", (found,))))
    open_ = evaluate(
        replace(request, context=Context({})), Policies(account, account, PolicyLayer("identity", (found,)))
    )

    assert (denied.outcome, denied.decided.level) == (Outcome.DENIED, "SCPs of the root")
    assert str(denied.decided.statement) == "policies/x.json:5 First"
    assert (open_.outcome, open_.keys) == (Outcome.DEPENDS, ("a:b",))
    assert open_.undecided(open_.decided) == ["Bool a:b true"]
    assert [one.line for one in found.statements] == [5, 7]
    assert str(found.statements[1]) == "policies/x.json:7 statement 2"


# What no vector has: the management account, unknown text


def test_neither_scps_nor_rcps_bind_the_management_account() -> None:
    deny = layer([{"Effect": "Deny", "Action": "*", "Resource": "*"}])
    management = AccountLevels("1", service_control=(deny,), resource_control=(deny,), management=True)
    member = AccountLevels("2", service_control=(deny,), resource_control=(deny,))
    allow = [{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}]
    identity, resource = layer([{**allow[0]}]), layer(allow)

    def outcome(here: AccountLevels, there: AccountLevels) -> Outcome:
        request = Request(
            RequestPrincipal(f"arn:aws:iam::{here.id}:role/x"), "s3:GetObject", "arn:aws:s3:::b/k", there.id
        )
        return evaluate(request, Policies(here, there, identity, None, resource)).outcome

    assert outcome(management, management) is Outcome.ALLOWED
    assert outcome(management, member) is Outcome.DENIED  # by the RCP of the resource's account
    assert outcome(member, management) is Outcome.DENIED  # by the SCP of the principal's account


@pytest.mark.parametrize(
    ("identity", "boundary", "resource", "outcome"),
    [
        ("?", "", "", Outcome.DEPENDS),
        ("+", "?", "", Outcome.DEPENDS),
        ("-", "?", "", Outcome.DENIED),
        ("?", "-", "", Outcome.DENIED),
        ("+", "", "?", Outcome.DEPENDS),
        ("+?", "", "", Outcome.DEPENDS),
        ("!?", "", "", Outcome.DENIED),
        ("?", "", "+", Outcome.DEPENDS),
        ("?", "", "!", Outcome.DENIED),
    ],
)
def test_text_that_is_not_known_is_what_an_answer_depends_on(
    identity: str, boundary: str, resource: str, outcome: Outcome
) -> None:
    """`+` allows, `!` denies, `-` says nothing, `?` is not known."""

    def made(signs: str) -> PolicyLayer:
        effects = {"+": "Allow", "!": "Deny"}
        found = [
            {"Effect": effects[one], "Action": "*", "Resource": "*", "Principal": "*"}
            for one in signs
            if one in effects
        ]
        document = parse(json.dumps({"Version": "2012-10-17", "Statement": found}), "policy")
        return PolicyLayer(signs, (document,), ("the text",) if "?" in signs else ())

    account = AccountLevels("1")
    request = Request(RequestPrincipal("arn:aws:iam::1:user/x"), "s3:GetObject", "arn:aws:s3:::b/k")
    policies = Policies(
        account, account, made(identity), made(boundary) if boundary else None, made(resource) if resource else None
    )
    found = evaluate(request, policies)

    assert found.outcome is outcome
    assert found.keys == (("the text",) if outcome is Outcome.DEPENDS else ())


def test_keys_have_no_case_and_tags_that_are_not_named_are_absent() -> None:
    context = Context({"aws:PrincipalTag/*": ABSENT, "aws:PrincipalTag/Team": "red"})

    assert context.get("aws:principaltag/team") == "red"
    assert context.get("aws:principaltag/other") == ABSENT
    assert context.filled({"aws:principaltag/team": "blue"}).get("aws:principaltag/team") == "red"


def test_an_answer_names_a_key_once_in_whatever_spelling_policies_have_it() -> None:
    """Control Tower's policies have `aws:PrincipalARN`, AWS's reference `aws:PrincipalArn`."""
    exempt = [{"ArnNotLike": {key: "arn:aws:iam::*:role/x"}} for key in ("aws:PrincipalARN", "aws:PrincipalArn")]
    deny = [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition} for condition in exempt]
    allow = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

    assert judged(allow, [*allow, *deny], Context({})).keys == ("aws:PrincipalArn",)
