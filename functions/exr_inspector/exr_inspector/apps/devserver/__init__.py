"""A stand-in for the DataEngine runtime on a developer's machine; the deployed function never imports it.

It behaves as function runtimes 5.4 and 5.5 were seen to behave. Where nothing is known of them (what
becomes of an event whose sink fails, how batches come over the wire) it does the simplest thing, and no
test of the function should rely on that. Needs the extra `serve`.
"""

URL = "http://127.0.0.1:8080"
"""Where a function listens on this machine."""
