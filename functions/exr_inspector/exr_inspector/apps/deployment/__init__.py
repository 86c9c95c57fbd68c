"""Deployment settings, and the DataEngine manifests rendered from them."""
