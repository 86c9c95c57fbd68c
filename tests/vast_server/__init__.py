"""A server of VAST's tabular protocol for tests: the real `vastdb` SDK works against it, unmodified.

    with VastServer(version="5.5", conflict="write") as server:
        session = vastdb.connect(
            endpoint=server.endpoint, access=server.access_key, secret=server.secret_key
        )

Read it in this order: server.py (HTTP, and the object that tests use), api.py (what each request
does), transactions.py (snapshots and conflicts), database.py and tables.py (the data), queries.py and
predicates.py (select), protocol.py (flatbuffers and Arrow streams), faults.py (failures on demand).

It implements what a store of rows needs and refuses the rest: projections, sorted, partitioned or
vector-indexed tables, imports, nested columns other than lists, and renaming.
"""
