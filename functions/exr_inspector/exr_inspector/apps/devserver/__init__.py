"""The development server: runs the function on this machine the way the DataEngine runtime does.

It reproduces the observed behavior of function runtimes 5.4 and 5.5. Some behavior is unknown, such as the
fate of an event whose sink fails and the wire format of batches; there it does the simplest thing, and no
test of the function should rely on that. The deployed function never imports it. Needs the extra `serve`.
"""

URL = "http://127.0.0.1:8080"
"""Default address of a function on this machine."""
