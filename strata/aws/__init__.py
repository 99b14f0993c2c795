"""AWS as the commands see it: sessions, the organization, Identity Center, and what Terraform keeps its state in."""
