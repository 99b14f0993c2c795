"""Organizations and the complete answers of all commands about them, which a rebuild must not change."""
