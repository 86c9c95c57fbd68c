"""The JSON document of one file."""
