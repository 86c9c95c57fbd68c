"""Programs that run on people's machines. Never part of the deployed function."""
