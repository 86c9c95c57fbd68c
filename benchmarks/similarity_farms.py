"""Attributes that a farm writes: where frames were rendered, for whom, and as which job.

In the words of several farm managers and of studios' own tools. No two frames share these values, many of
which look like categories: a word, a small number.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Attributes = dict[str, Any]
Farm = Callable[[Random], Attributes]


def host(random: Random) -> str:
    """Return a machine's name as studios choose it: after a number, a place, or a bird."""
    number = random.randrange(400)
    bird = random.choice(("kestrel", "osprey", "merlin", "harrier", "buzzard", "goshawk"))
    return random.choice((f"rn{number:03}", f"blade-{number:03}", f"lx{number}a.farm.local", bird))


def person(random: Random) -> str:
    return random.choice(("anna", "bo", "carmen", "dmitri", "eve", "farid"))


def deadline(random: Random) -> Attributes:
    return {
        "Deadline/JobName": f"{person(random)} retake",
        "Deadline/SlaveName": host(random),
        "Deadline/SecondaryPool": random.choice(("nights", "weekend", "all")),
        "Deadline/ChunkSize": random.choice((1, 2, 5, 10)),
        "renderNode": host(random),
    }


def tractor(random: Random) -> Attributes:
    return {
        "tractor_blade": host(random),
        "tractor_jid": random.randrange(10**6),
        "tractor_spooler": person(random),
        "priority": random.randrange(100),
        "workstation": host(random),
    }


def royal_render(random: Random) -> Attributes:
    return {
        "rrClient": host(random),
        "rrJobID": random.choice(("aAbQ", "cXk", "zZt")),
        "rrSubmitter": person(random),
        "slave": host(random),
        "nodename": host(random),
    }


def opencue(random: Random) -> Attributes:
    return {
        "openCue/proc": host(random),
        "openCue/chunk": random.choice(("a", "b", "c")),
        "rqdNode": host(random),
        "cueJob": f"{person(random)} ingest",
    }


def studio_tools(random: Random) -> Attributes:
    """Return the attributes of a studio's own tools."""
    return {
        "licenseServer": host(random),
        "login": person(random),
        "ip": f"10.1.{random.randrange(256)}.{random.randrange(256)}",
        "renderedBy": f"{person(random)}@{host(random)}",
    }
