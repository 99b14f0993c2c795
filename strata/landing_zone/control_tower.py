"""How Control Tower calls its things."""

CONTROL_TOWER = "controltower.amazonaws.com"
GUARDRAILS = "aws-guardrails-"
"""The beginning of the names of its policies."""
