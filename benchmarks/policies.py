"""`python -m benchmarks.policies`: how long 100 rules take for a document with 50 channels."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from exr_inspector import inspect
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack, load_policy
from exr_inspector.policy.model import Policy
from exr_inspector.settings import Settings
from tests.exrfiles.demo import simple
from tests.exrfiles.metadata import RENDERER, shot_attributes

ROUNDS = 500
# Rules as studios write them; as many of each kind as the number says.
KINDS = (
    ("file", "layers: {contains_all: [aov01, aov02]}", 20),
    ("file", "part_count: {at_most: 20}", 10),
    ("parts", "compression: {one_of: [none, zip, zips]}", 15),
    ("parts", "attributes.owner: {matches: 'Example .*'}", 10),
    ("windows", "is_covering: true", 10),
    ("channels", "type: {one_of: [half, float]}", 15),
    ("channels", "name: {length: {at_most: 31}}", 5),
    ("layers", "components: {unique: true}", 5),
    ("attributes", "is_decoded: true", 10),
)


def hundred_rules() -> Policy:
    lines = ["policy: bench", "rules:"]
    for given, condition, count in KINDS:
        for _ in range(count):
            lines += [f"  - id: R-{len(lines)}", "    title: One", f"    given: {given}", "    assert:"]
            lines.append(f"      {condition}")
    return load_policy("\n".join(lines).encode(), "bench.yaml")


def main() -> None:
    names = [f"aov{index:02}.{component}" for index in range(16) for component in "RGB"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "beauty.1001.exr"
        path.write_bytes(simple(8, 8, [*names, "A", "Z"], attributes=[*shot_attributes(1001), *RENDERER]))
        document = inspect(path, Settings(openimageio=False))
    print(f"{len(document['channels'])} channels, {len(document['parts'][0]['attributes'])} attributes")
    for policy in (hundred_rules(), load_pack("default"), load_pack("openexr")):
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            evaluate([policy], document)
            times.append(1e6 * (time.perf_counter() - start))
        rules = sum(rule.given != "sequence" for rule in policy.rules)
        figures = f"{statistics.median(times):.0f} us (median), {min(times):.0f} us (best)"
        print(f"{policy.id}: {rules} rules, {figures}")


if __name__ == "__main__":
    main()
