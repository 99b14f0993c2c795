"""From where and by which clients people call AWS, of which policies ask and nobody can say it before."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from itertools import product

from strata.policy.answers import Answer
from strata.policy.conditions import Test
from strata.policy.layers import Policies
from strata.policy.operators import Network, network
from strata.policy.requests import ABSENT, Value


def usual(answer: Answer, policies: Policies) -> Iterator[Mapping[str, Value]]:
    """Yields what requests have of the keys on which an answer depends, one of each kind that policies tell apart.

    Whoever comes has a public address and a client that others have as well, unless they forge it.
    """
    keys = {key.lower() for key in answer.keys}
    values: dict[str, list[Value]] = {}
    if _ADDRESS in keys:
        values[_ADDRESS] = [*_addresses(policies, answer.request.action), ABSENT]
    if _CLIENT in keys:
        values[_CLIENT] = [*_CLIENTS]
    for some in product(*values.values()):
        yield dict(zip(values, some, strict=True))


# Addresses

_ADDRESS = "aws:sourceip"


def _addresses(policies: Policies, action: str) -> list[str]:
    """Returns public addresses: the ends of each range that policies name, their neighbours, and some elsewhere.

    AWS: 'Only public IP addresses or public IP ranges are supported.'
    https://repost.aws/knowledge-center/iam-restrict-access-policy
    """
    ranges = [
        found for test in _tests(policies, action) for template in test.values if (found := network(template.text))
    ]
    ends = [address for one in ranges for address in _around(one)]
    return [
        str(address)
        for address in dict.fromkeys((*ends, *map(ipaddress.ip_address, _BEHIND_RESERVED)))
        if _is_public(address)
    ]


def _tests(policies: Policies, action: str) -> Iterator[Test]:
    for layer in policies.layers:
        for statement in layer.about(action.lower()):
            yield from (test for test in statement.condition if test.key.lower() == _ADDRESS and test.operator)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _around(found: Network) -> Iterator[_Address]:
    first, last = int(found.network_address), int(found.broadcast_address)
    make = type(found.network_address)
    yield from (make(one) for one in (first, last, first - 1, last + 1) if 0 <= one < 2**found.max_prefixlen)


def _is_public(address: _Address) -> bool:
    """Returns whether the Internet may have an address; IANA has given out one eighth of those of version 6."""
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _GIVEN_OUT)  # noqa: PLR2004


_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_BEHIND_RESERVED = (
    *("1.0.0.0", "11.0.0.0", "100.128.0.0", "128.0.0.0", "169.255.0.0", "172.32.0.0", "192.0.1.0", "192.0.3.0"),
    *("192.169.0.0", "198.20.0.0", "198.51.101.0", "203.0.114.0", "2001:200::", "2001:db9::", "2003::", "3fff:1000::"),
)
"""The first public address behind each range that is reserved: a range that has public ones begins or goes on with one.

https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml
"""

# Clients

_CLIENT = "aws:useragent"
_CLIENTS = (
    "console.amazonaws.com",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "aws-cli/2.28.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.13.7 md/prompt#off",
    "Boto3/1.40.0 md/Botocore#1.40.0 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.13.7 Botocore/1.40.0",
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.0 (+https://www.terraform.io) terraform-provider-aws/6.25.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.0 os/linux lang/go#1.24.0",
)
"""What the console, a browser, and the tools by which people repair something say that they are.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""
