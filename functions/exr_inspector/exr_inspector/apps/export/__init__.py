"""Records of sequences and files for other systems, as Parquet, JSON lines, CSV, and what trackers take."""
