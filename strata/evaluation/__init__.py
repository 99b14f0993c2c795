"""Evaluates AWS policies offline: whether a request is allowed, denied, or depends on something not known here.

It judges the language of policies as AWS documents it, not services, and never guesses: what a key decides that nobody
gave is 'depends'. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from strata.evaluation.answers import Answer, Outcome, Step
from strata.evaluation.documents import Document, DocumentError, Statement, parse
from strata.evaluation.evaluator import evaluate
from strata.evaluation.layers import Account, Layer, Policies
from strata.evaluation.requests import ABSENT, UNKNOWN, Context, Principal, Request

__all__ = [
    "ABSENT",
    "UNKNOWN",
    "Account",
    "Answer",
    "Context",
    "Document",
    "DocumentError",
    "Layer",
    "Outcome",
    "Policies",
    "Principal",
    "Request",
    "Statement",
    "Step",
    "evaluate",
    "parse",
]
