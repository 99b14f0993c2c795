"""Reports on a configuration: access, policies, and the effect of changes."""
