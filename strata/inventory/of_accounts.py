"""What there is in and of accounts of that which the layers that come with Strata have made.

Each account is asked by the role that its layer reads with, and only about what its state has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strata.aws.questions import ResourceQuestion
from strata.aws.session import DENIED, Aws, AwsError, asked_at_once
from strata.config.layers import IN_ACCOUNT
from strata.config.models import Project
from strata.kinds.detection import OF_DETECTION
from strata.kinds.kind import Kind
from strata.kinds.members import OF_ACCOUNTS
from strata.kinds.members.made import BESIDE, Held, name_in, named

Things = Mapping[str, Mapping[str, Any]]
"""What AWS has, by kind and name; what it does not have is missing."""


@dataclass(frozen=True)
class HeldStack:
    """A stack of such a layer, as its state has it.

    Attributes:
        name: its name with the key that its account has today.
        held: what its state has.
        account: the id of its account, empty where it is the management account, or where no state has it.
        role: the role that reads in its account.
        recorded: what is compared of the things that its state has, by kind and name.
        is_let_go: whether no state has its account any more, since AWS has closed it.
    """

    name: str
    held: Held
    account: str = ""
    role: str = ""
    recorded: Things = field(default_factory=dict)
    is_let_go: bool = False

    @property
    def key(self) -> str:
        """Returns the key of its account, empty where it is the management account."""
        return self.name.partition(IN_ACCOUNT)[2]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Returns the kinds of what it has."""
        layer = self.name.partition(IN_ACCOUNT)[0]
        return tuple(kind for kind in (*OF_ACCOUNTS, *OF_DETECTION) if kind.stack == layer)

    def things(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields name and attributes of each thing of a kind, with all that the state has beside it."""
        for name, attributes in self.held.get(kind.type, {}).items():
            yield name_in(kind, self.name, name, attributes), {**attributes, BESIDE: self.held}


def read_of_accounts(
    enter: Callable[[HeldStack], Aws],
    project: Project,
    stacks: Sequence[HeldStack],
    accounts: Collection[str],
    told: Callable[[int], None] = lambda _: None,
) -> tuple[Things, dict[str, str]]:
    """Returns what AWS has, and why some of it cannot be read: by stack, or by kind and account.

    Args:
        enter: returns AWS as the reader of a stack sees it.
        project: its id and regions.
        stacks: what the states have.
        accounts: the ids of the active accounts; what is in others counts as it is in the state.
        told: called with the number of stacks that were read.

    Raises:
        AwsError: the caller's own credentials cannot be used.
    """
    done = [0]

    def ask(stack: HeldStack) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
        shut = stack.is_let_go or (bool(stack.account) and stack.account not in accounts)
        answer = (dict(stack.recorded), {}) if shut else _asked(enter, project, stack, accounts)
        done[0] += 1
        told(done[0])
        return answer

    things, unread = dict[str, Mapping[str, Any]](), dict[str, str]()
    for some, reasons in asked_at_once(ask, stacks):
        things |= some
        unread |= reasons
    return things, unread


def _asked(
    enter: Callable[[HeldStack], Aws], project: Project, stack: HeldStack, accounts: Collection[str]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    things, unread = dict[str, Mapping[str, Any]](), dict[str, str]()
    if stack.key and not stack.account:
        return {}, {stack.name: f"the state of organizations has no account {stack.key}"}
    try:
        aws = enter(stack)
    except AwsError as error:
        _require_own_account(stack, error)
        return {}, {stack.name: str(error)}
    for kind in stack.kinds:
        try:
            for name, attributes in stack.things(kind):
                question = ResourceQuestion(aws, project, attributes, accounts, stack.account)
                if kind.asked and (values := kind.asked(question)) is not None:
                    things[f"{kind.name} {name}"] = values
        except AwsError as error:
            _require_own_account(stack, error)
            unread[part_of(kind, stack.key)] = str(error)
    return things, unread


def _require_own_account(stack: HeldStack, error: AwsError) -> None:
    """Goes on where a member cannot be read, and where the management account may not be: others can."""
    if error.args[0].id == "sign-in-expired" or not (stack.account or error.code in DENIED):
        raise error


def part_of(kind: Kind, account: str) -> str:
    """Returns the part that is unread where a kind is, in an account or in all."""
    word = f"{kind.name} {kind.control}" if kind.control else kind.name
    return named(word, account) if account else word
