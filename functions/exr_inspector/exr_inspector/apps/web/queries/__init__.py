"""What the pages show, as typed functions from a snapshot's reader to values. No markup."""
