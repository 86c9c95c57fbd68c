"""How well the vectors find relevant files among real ones: the public corpora beside the repository.

Relevance is judged by this rule, from a file's path and header alone, and without the vectors' features. Two
files are as relevant to each other as they agree in three facets, one point each:

- **program**: the first word of the attribute that names the software (`SOFTWARE`). If a file has none, the
  folder of its corpus that it lies in: a project, or a set of test images.
- **layout**: scan lines, tiles or deep, with the level mode, and whether the file has one part or several.
- **purpose**: the first that applies of `PURPOSES`: an environment map, a Cryptomatte, deep samples, several
  views, a texture with levels, luminance and chroma, several layers, a single channel, a picture.

Nothing of the corpora is in the repository. Without them the measures are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SHARED = Path(__file__).parents[2] / "shared" / "corpus"
CORPORA = (SHARED / "openexr-images", SHARED / "renders")
FIRST = 5
"""How many of the nearest files count."""

Document = Mapping[str, Any]
Numbers = npt.NDArray[np.float64]

SOFTWARE = re.compile(r"^software$|^(nuke|arnold|rs)/version$|^generatedBy$|^rendererinfo$", re.IGNORECASE)


@dataclass(frozen=True)
class Facets:
    """What a file is judged by."""

    program: str
    layout: tuple[tuple[str, ...], bool]
    purpose: str

    def relevance(self, other: Facets) -> int:
        """Return in how many facets two files agree, 0 to 3."""
        return sum(
            (self.program == other.program, self.layout == other.layout, self.purpose == other.purpose)
        )


def facets(document: Document, folder: str) -> Facets:
    """Return the facets of a document that lies in this folder of its corpus."""
    parts = document["parts"]
    layout = tuple(sorted({f"{part['type']} {part['level_mode'] or ''}".strip() for part in parts}))
    purpose = next(name for name, applies in PURPOSES.items() if applies(document))
    return Facets(_program(document) or folder, (layout, len(parts) > 1), purpose)


def _program(document: Document) -> str:
    for part in document["parts"]:
        for attribute in part["attributes"]:
            if SOFTWARE.search(attribute["name"]) and isinstance(attribute["value"], str):
                prefix = attribute["name"].partition("/")[0].lower()
                word = re.match("[A-Za-z]+", attribute["value"])
                return word[0].lower() if word else prefix
    return ""


def _has_attribute(pattern: str) -> Callable[[Document], bool]:
    return lambda document: any(
        re.match(pattern, attribute["name"]) for part in document["parts"] for attribute in part["attributes"]
    )


def _names(document: Document) -> set[str]:
    return {channel["name"] for channel in document["channels"]}


PURPOSES: dict[str, Callable[[Document], bool]] = {
    "environment map": _has_attribute("envmap$"),
    "Cryptomatte": _has_attribute("cryptomatte/"),
    "deep": lambda document: any(part["is_deep"] for part in document["parts"]),
    "several views": lambda document: (
        len({part["view"] for part in document["parts"]}) > 1 or _has_attribute("multiView$")(document)
    ),
    "texture": lambda document: any(part["level_mode"] in ("mipmap", "ripmap") for part in document["parts"]),
    "luminance and chroma": lambda document: {"RY", "BY"} <= _names(document),
    "several layers": lambda document: len(document["parts"]) > 1 or any("." in n for n in _names(document)),
    "single channel": lambda document: len(_names(document)) == 1,
    "picture": lambda _: True,
}
"""What a file is for, and how its header shows it; the first that applies."""

WANTED = ("environment map", "Cryptomatte", "deep", "texture", "luminance and chroma")
"""Rare purposes whose nearest files must all have the same purpose."""


def read() -> tuple[list[Document], list[Facets]] | str:
    """Return the documents of all readable files of the corpora with their facets, or why there are none."""
    from exr_inspector import Settings, inspect  # noqa: PLC0415 - the generated benchmark needs no reader

    documents: list[Document] = []
    judged = []
    for corpus in CORPORA:
        for path in sorted(corpus.rglob("*.exr")):
            if "Damaged" in path.parts:
                continue
            document = inspect(path, Settings(openimageio=False))
            if document["parts"]:
                documents.append(document)
                judged.append(facets(document, path.relative_to(corpus).parts[0]))
    return (documents, judged) if documents else f"no files in {SHARED}"


@dataclass(frozen=True)
class Relevance:
    """How relevant the nearest files are."""

    gain: float
    """Normalized discounted cumulative gain of the `FIRST` nearest, mean over files: 1 is the best order."""
    best: float
    """Share of files whose nearest is as relevant as the most relevant file there is."""
    purposes: dict[str, float]
    """Purpose -> share of its files whose nearest file has the same purpose."""


def relevance(vectors: Numbers, judged: Sequence[Facets]) -> Relevance:
    """Measure unit vectors, one a row, by the facets of their files."""
    gains = np.array([[a.relevance(b) for b in judged] for a in judged], dtype=np.float64)
    cosines = vectors @ vectors.T
    np.fill_diagonal(gains, -1)
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1, kind="stable")
    found = np.take_along_axis(gains, order, axis=1)
    ideal = -np.sort(-gains, axis=1)
    discount = 1 / np.log2(np.arange(2, FIRST + 2))
    return Relevance(
        gain=float((found[:, :FIRST] @ discount / np.maximum(ideal[:, :FIRST] @ discount, 1e-9)).mean()),
        best=float((found[:, 0] == ideal[:, 0]).mean()),
        purposes=_by_purpose(order[:, 0], np.array([each.purpose for each in judged])),
    )


def _by_purpose(nearest: npt.NDArray[np.int64], purposes: npt.NDArray[np.str_]) -> dict[str, float]:
    same = purposes[nearest] == purposes
    return {name: float(same[purposes == name].mean()) for name in PURPOSES if (purposes == name).sum() > 1}
