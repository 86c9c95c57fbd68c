"""The release of exr-inspector; written into every row, so that a reader knows who said so."""

VERSION = "1.1.0"
