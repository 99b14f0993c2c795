"""Layers of one's own: a folder each, beside this file, as docs/layers.md says. Upstream adds nothing here."""
