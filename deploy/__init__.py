"""What deploy.sh and the Makefile use and the function does not: packing, the smoke test, reading answers."""
