"""AWS as the commands see it: sessions, the organization, Identity Center, and the store of Terraform's state."""
