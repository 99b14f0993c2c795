"""Everything that the organization and Identity Center hold at AWS, read whole and in bulk."""
