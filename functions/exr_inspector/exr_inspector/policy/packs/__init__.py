"""The policies that ship with exr-inspector, as YAML."""
