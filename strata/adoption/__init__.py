"""Reads a live organization and Identity Center, and writes the configuration that describes them."""
