"""Bytes by range, from local files and S3 objects."""
