"""Policies: rules in YAML, their evidence, and their findings."""
