"""Records what @cloud-copilot/iam-simulate answers to seeded random requests: python -m tests.vectors.record.

The library is under the AGPL and no part of this product: npm fetches it into a temporary folder, and only the facts
stay, in recorded.json.xz. Where AWS documents otherwise the documentation holds, in documented.yaml; requests on those
corners are not made here: empty values under ForAllValues, ranges of /0, single addresses without /32, `${$}`, `${*}`
under StringEquals, variables before version 2012-10-17 and behind no slash, ARNs of few parts in RCPs, the root user,
service-linked roles, epoch time, `*` as the resource beside ARNs, variables without a value in NotResource.
Negations of a variable without a value are made; `vectors.DOCUMENTED_OTHERWISE` lists those that AWS answers otherwise.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIBRARY = "@cloud-copilot/iam-simulate@0.1.173"
RECORDED = Path(__file__).with_name("recorded.json.xz")
HERE, THERE = "111111111111", "222222222222"

Json = dict[str, Any]

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "String": (
        ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
        ("blue", "Blue", "bluebird", "green", "team-a", "team-b", "a*c", "abc", "x/y/z", "42", "true"),
        ("blue", "BLUE", "green", "team-?", "team-*", "*", "b*e", "?lue", "*bird", "a*c", "x/*/z", "gr??n", "nobody"),
    ),
    "Numeric": (
        ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
        ("0", "1", "5", "5.0", "5.5", "10", "-3", "1000000", "05"),
        ("0", "5", "5.00", "5.5", "10", "-3", "7", "999999.9"),
    ),
    "Date": (
        ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "2026-06-15T12:30:00Z",
            "2026-06-15T14:30:00+02:00",
            "2027-03-01T23:59:59Z",
        ),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "2026-06-15T12:30:00Z",
            "2026-06-15T10:30:00-02:00",
            "2026-12-31T00:00:00Z",
        ),
    ),
    "Bool": (("",), ("true", "false", "True", "FALSE"), ("true", "false", "True")),
    "Binary": (("Equals",), ("QmluYXJ5", "YmxvYg==", "AAEC"), ("QmluYXJ5", "YmxvYg==", "/w==")),
    "Ip": (
        ("Address", "Not"),
        ("10.1.2.3", "10.1.2.4", "192.168.7.7", "203.0.113.9", "2001:db8::1", "2001:db8:1::ff"),
        (
            "10.0.0.0/8",
            "10.1.2.3/32",
            "192.168.0.0/16",
            "203.0.113.0/29",
            "2001:db8::/32",
            "2001:db8::1/128",
        ),
    ),
    "Arn": (
        ("Equals", "NotEquals", "Like", "NotLike"),
        (
            f"arn:aws:iam::{HERE}:role/dev/app",
            f"arn:aws:iam::{HERE}:role/admin",
            "arn:aws:s3:::photos",
            f"arn:aws:sns:eu-north-1:{THERE}:news",
            f"arn:aws:logs:eu-north-1:{HERE}:log-group:a:b",
        ),
        (
            f"arn:aws:iam::{HERE}:role/*",
            "arn:*:iam::*:role/admin",
            "arn:aws:s3:::photos",
            "arn:aws:s3:::p*",
            "arn:aws:sns:*:*:news",
            "arn:aws:sns:eu-*-1:*:*",
            "arn:aws:iam::*:role/*/app",
            "arn:aws:logs:*:*:log-group:*",
            f"arn:aws:iam::{HERE}:role/???in",
            f"arn:aws:*:*:{THERE}:*",
            "arn:aws:iam:*",
            "*",
        ),
    ),
}
"""Kind of operator to the ends of its names, values of requests, values of policies."""

KEYS = {"String": "svc:text", "Numeric": "svc:number", "Date": "svc:date", "Bool": "svc:flag", "Binary": "svc:bytes"}
KEYS |= {"Ip": "svc:address", "Arn": "svc:arn"}
GLOBAL = {
    "String": ("aws:PrincipalTag/team", "aws:userid"),
    "Bool": ("aws:SecureTransport", "aws:ViaAWSService"),
    "Ip": ("aws:SourceIp",),
    "Arn": ("aws:SourceArn",),
    "Date": ("aws:CurrentTime",),
    "Numeric": ("aws:MultiFactorAuthAge",),
}
LISTS = {"String": ("aws:TagKeys", "aws:PrincipalOrgPaths")}


def operators() -> list[tuple[str, str]]:
    """Returns every operator there is, with its kind."""
    found = []
    for kind, (ends, _, _) in KINDS.items():
        for end in ends:
            name = {"IpAddress": "IpAddress", "IpNot": "NotIpAddress"}.get(f"{kind}{end}", f"{kind}{end}")
            found += [
                (kind, f"{before}{name}{after}")
                for before in ("", "ForAnyValue:", "ForAllValues:")
                for after in ("", "IfExists")
            ]
    return found


class Maker:
    """Makes requests with their policies from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - vectors, not secrets
        self.operators = operators()
        self.turn = 0

    def some(self, values: tuple[str, ...], most: int = 3) -> str | list[str]:
        count = self.random.randint(1, most)
        return self.random.choice(values) if count == 1 else self.random.sample(values, min(count, len(values)))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # Conditions

    def condition(self, context: Json, *, free: bool) -> Json:
        if self.chance(0.1):
            key = self.random.choice(("svc:text", "svc:absent") if free else ("aws:userid", "aws:SourceVpce"))
            return {"Null": {key: self.random.choice(("true", "false", True, False))}}
        while True:
            kind, operator = self.operators[self.turn % len(self.operators)]
            self.turn += 1
            keys: tuple[str, ...] = (KEYS[kind],) if free else GLOBAL.get(kind, ())
            if not free and ":" in operator:
                keys = LISTS.get(kind, ())
            if keys:
                break
        key = self.random.choice(keys)
        _, values, patterns = KINDS[kind]
        several = ":" in operator
        if several:
            key = f"{key}s" if free else key
        if key not in context and self.chance(0.8):
            context[key] = (
                self.random.sample(values, self.random.randint(1, 3)) if several else self.random.choice(values)
            )
        wanted = self.some(patterns)
        if kind == "String" and self.chance(0.15):
            wanted = self.variable(context, free=free, like="Like" in operator)
        return {operator: {self.spelled(key): wanted}}

    def variable(self, context: Json, *, free: bool, like: bool) -> str:
        key = "svc:other" if free else "aws:PrincipalTag/other"
        if self.chance(0.6):
            context[key] = self.random.choice(("blue", "abc", "team-a", "a*c"))
        more = ("a${*}c", f"${{{key}}}*") if like else ()
        found: str = self.random.choice((f"${{{key}}}", f"${{{key}, 'blue'}}", *more))
        return found

    def spelled(self, key: str) -> str:
        return self.random.choice((key, key, key.upper() if "/" not in key else key))

    # Statements

    def statement(self, one: Json, effect: str, **more: Any) -> Json:
        found: Json = {"Effect": effect, **self.actions(one["action"]), **self.resources(one), **more}
        if self.chance(0.5):
            condition = self.condition(one["context"], free=one["free"])
            if self.chance(0.2):
                for operator, tests in self.condition(one["context"], free=one["free"]).items():
                    condition.setdefault(operator, {}).update(tests)
            found["Condition"] = condition
        return found

    def actions(self, action: str) -> Json:
        service, _, name = action.partition(":")
        hit = (
            action,
            f"{service}:*",
            f"{service}:{name[:3]}*",
            action.upper(),
            f"{service}:{name[:-1]}?",
            f"{service}:*{name[3:]}",
        )
        miss = ("ec2:RunInstances", "iam:*", f"{service}:Nothing*", f"{service}:{name}s")
        if self.chance(0.15):
            return {"NotAction": self.some(miss if self.chance(0.8) else hit, 2)}
        if self.chance(0.15) and not self.control:
            return {"Action": "*"}
        chosen = [self.random.choice(hit)] if self.chance(0.85) else []
        return {"Action": [*chosen, *self.random.sample(miss, self.random.randint(0 if chosen else 1, 2))]}

    control = False
    """Whether it is an RCP, which cannot have `*` for an action."""

    def resources(self, one: Json) -> Json:
        arn = one["resource"]
        if arn == "*" or self.chance(0.3):
            return {"Resource": "*"}
        parts = arn.split(":", 5)
        region = ":".join([*parts[:3], "*", *parts[4:]])
        hit = [
            arn,
            f"{arn[:-2]}*",
            f"{arn[:-1]}?",
            ":".join([*parts[:5], "*"]),
            region,
            *([] if self.control else [f"{':'.join(parts[:3])}:*", "arn:*"]),
        ]
        miss = [f"{arn}x", arn.upper(), f"arn:aws:iam::{THERE}:user/x", ":".join([*parts[:5], "other*"])]
        if "/" in arn and self.chance(0.25):
            key = "svc:name" if one["free"] else "aws:PrincipalTag/name"
            one["context"][key] = self.random.choice((parts[5][-2:], "zz"))
            hit.append(f"{arn[:-2]}${{{key}}}")
            return {self.random.choice(("Resource", "NotResource")): hit[-1]}
        if self.chance(0.15):
            return {"NotResource": self.some(tuple(miss if self.chance(0.8) else hit), 2)}
        return {"Resource": self.some(tuple(hit), 2) if self.chance(0.85) else self.some(tuple(miss), 2)}

    def document(self, one: Json, share: float = 0.3, **more: Any) -> Json:
        statements = [self.statement(one, "Allow", **more)]
        if self.chance(share):
            statements.append(self.statement(one, "Deny", **more))
        if self.chance(0.5):
            statements.append(self.statement(one, "Allow", **more))
        self.random.shuffle(statements)
        old = "${" not in json.dumps(statements) and self.chance(0.2)
        return {"Version": "2008-10-17" if old else "2012-10-17", "Statement": statements}

    # Requests

    def request(self) -> Json:
        action, resource = self.random.choice(REQUESTS)
        needs = action.startswith(("kms:", "sts:"))
        free = not needs and self.chance(0.75)
        who = self.random.choice(tuple(PRINCIPALS))
        principal, session = PRINCIPALS[who]
        one: Json = {"principal": principal, "action": action, "resource": resource, "context": {}, "free": free}
        if session:
            one["session"] = session
        one["account"] = HERE if free or self.chance(0.7) else THERE
        one["context"]["aws:PrincipalArn"] = principal
        one["identity"] = [self.document(one) for _ in range(self.random.choice((1, 2, 2, 3)))]
        one["scp"] = self.levels(one, "identity")
        one["boundary"] = self.document(one, 0.15) if self.chance(0.25) else None
        one["rcp"], one["resource_policy"] = [], None
        if action.startswith(("s3:", "sqs:", "kms:", "sts:", "secretsmanager:")):
            self.control = True
            one["rcp"] = self.levels(one, "resource")
            self.control = False
        if not free and (needs or self.chance(0.75)):
            one["resource_policy"] = self.resource_policy(one)
        return one

    def levels(self, one: Json, chain: str) -> list[list[Json]]:
        if self.chance(0.4):
            return []
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        found: list[list[Json]] = []
        for _ in range(self.random.randint(1, 3)):
            if chain == "resource":
                denies = self.statement(one, "Deny", Principal="*")
                level = (
                    [{"Version": "2012-10-17", "Statement": [denies]}]
                    if self.chance(0.4) and "NotAction" not in denies
                    else []
                )
            elif self.chance(0.6):
                level = [everything]
                if self.chance(0.4):
                    level.append({"Version": "2012-10-17", "Statement": [self.statement(one, "Deny")]})
            else:
                level = [self.document(one, 0.2)]
            found.append(level)
        return found

    def resource_policy(self, one: Json) -> Json:
        document = self.document(one, 0.25)
        for statement in document["Statement"]:
            element = "NotPrincipal" if statement["Effect"] == "Deny" and self.chance(0.2) else "Principal"
            statement[element] = self.principals(one)
            if one["action"].startswith("sts:"):
                statement.pop("Resource", None), statement.pop("NotResource", None)
        return document

    def principals(self, one: Json) -> Any:
        own = [one["principal"], one.get("session") or one["principal"], HERE, f"arn:aws:iam::{HERE}:root"]
        other = [f"arn:aws:iam::{HERE}:user/other", f"arn:aws:iam::{THERE}:root", f"arn:aws:iam::{HERE}:role/other"]
        if self.chance(0.2):
            return self.random.choice(("*", {"AWS": "*"}))
        if self.chance(0.1):
            return {"Service": "cloudtrail.amazonaws.com"}
        return {"AWS": self.some(tuple(own), 2) if self.chance(0.75) else self.some(tuple(other), 2)}


REQUESTS = (
    ("s3:GetObject", "arn:aws:s3:::photos/2026/cat.jpg"),
    ("s3:PutObject", "arn:aws:s3:::photos/a:b/c"),
    ("s3:ListBucket", "arn:aws:s3:::photos"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-north-1:{HERE}:orders"),
    ("kms:Decrypt", f"arn:aws:kms:eu-north-1:{HERE}:key/0f0f"),
    ("sts:AssumeRole", f"arn:aws:iam::{HERE}:role/target"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-north-1:{HERE}:secret:db-abcdef"),
    ("sns:Publish", f"arn:aws:sns:eu-north-1:{HERE}:news"),
    ("dynamodb:DeleteTable", f"arn:aws:dynamodb:eu-north-1:{HERE}:table/orders"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:eu-north-1:{HERE}:function:resize"),
)
PRINCIPALS = {
    "user": (f"arn:aws:iam::{HERE}:user/kim", None),
    "role": (f"arn:aws:iam::{HERE}:role/app", None),
    "session": (f"arn:aws:iam::{HERE}:role/app", f"arn:aws:sts::{HERE}:assumed-role/app/kim"),
}


def main() -> None:
    """Makes the requests, asks the library, and writes those that it answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--count", type=int, default=6000, help="vectors to write (default 6000)")
    parser.add_argument("--output", type=Path, default=RECORDED)
    arguments = parser.parse_args()
    maker = Maker(arguments.seed)
    requests = [maker.request() for _ in range(arguments.count * 13 // 10)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", folder, LIBRARY], check=True)
        Path(folder, "simulate.mjs").write_bytes(Path(__file__).with_name("simulate.mjs").read_bytes())
        vectors = list(answered(requests, Path(folder)))[: arguments.count]
    print(Counter(one["answer"] for one in vectors))
    if len(vectors) < arguments.count:
        sys.exit(f"the library answered only {len(vectors)} requests")
    content = json.dumps({"library": LIBRARY, "seed": arguments.seed, "vectors": vectors}, separators=(",", ":"))
    arguments.output.write_bytes(lzma.compress(content.encode(), preset=9))


def answered(requests: list[Json], folder: Path) -> Iterator[Json]:
    """Yields the requests that the library takes, with its answer."""
    lines = "".join(f"{json.dumps(one)}\n" for one in requests)
    command = ["node", "simulate.mjs"]
    done = subprocess.run(command, cwd=folder, input=lines, capture_output=True, text=True, check=True)
    refused: Counter[str] = Counter()
    for one, line in zip(requests, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        if answer in ("Allowed", "ExplicitlyDenied", "ImplicitlyDenied"):
            del one["free"]
            yield {**one, "answer": answer}
        else:
            refused[answer[:150]] += 1
    for reason, count in refused.most_common(10):
        print(f"{count} refused: {reason}")


if __name__ == "__main__":
    main()
