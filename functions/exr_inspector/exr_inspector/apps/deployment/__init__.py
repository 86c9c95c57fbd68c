"""Deployment settings, and the manifests rendered from them."""
