"""The catalog in the browser: `exr-inspector browse` serves pages from a read-only snapshot."""
