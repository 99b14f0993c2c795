"""Runs Terraform on the synthesized stacks: plans to files, applies, and puts right what an interruption leaves."""
