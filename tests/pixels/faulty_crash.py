"""See faulty_worker."""

from tests.pixels.faulty_worker import main

main("crash")
