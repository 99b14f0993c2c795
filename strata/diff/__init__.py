"""The effect of a configuration change on people and accounts, and the risks that need approval."""

from strata.diff.change import Change, Risk, Topic, risk_words, risks
from strata.diff.comparison import compare
from strata.diff.render import as_json, as_lines, as_markdown, as_text

__all__ = ["Change", "Risk", "Topic", "as_json", "as_lines", "as_markdown", "as_text", "compare", "risk_words", "risks"]
