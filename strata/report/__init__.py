"""Reads a configuration back: who may do what where, which policies bind what, what a change means."""
