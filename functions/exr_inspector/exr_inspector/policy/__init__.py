"""Policies: rules in YAML, the evidence that they look at, and what they find."""
