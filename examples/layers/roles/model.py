"""The settings of the layer `roles`."""

from strata.config.models import Model


class Settings(Model):
    """config/layers/roles.yaml."""

    name: str
    """What the role is called in each account."""
    subject: str
    """Whose jobs assume it: the claim `sub` of their tokens, without wildcards."""
    policy: str
    """The ARN of what it may do."""
