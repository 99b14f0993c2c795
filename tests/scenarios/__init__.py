"""Scenarios: what an operator does and what goes wrong, with real Terraform and the real AWS provider."""
