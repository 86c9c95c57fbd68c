"""A small synthetic scene, drawn with numpy: a few balls on a round hill, lit from the upper left."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.exrfiles.chunks import Pixels

LIGHT = np.array((-0.48, -0.64, 0.6), np.float32)
HIGHLIGHT = np.array((-0.27, -0.36, 0.893), np.float32)
FIRST_FRAME = 1001
FAR_AWAY = 1e30


class Ball(NamedTuple):
    """Centre and radius in half image heights, y downwards; distance in metres; linear colour."""

    name: str
    x: float
    y: float
    radius: float
    distance: float
    colour: tuple[float, float, float]
    speed: float = 0.0


BALLS = (
    Ball("/props/marble", -0.75, 0.55, 0.16, 3.0, (0.75, 0.12, 0.08), speed=0.06),
    Ball("/char/robot/head", 0.10, -0.42, 0.26, 4.2, (0.62, 0.64, 0.68)),
    Ball("/char/robot/body", 0.10, 0.20, 0.48, 4.5, (0.18, 0.36, 0.72)),
    Ball("/props/lantern", 0.95, 0.05, 0.22, 5.5, (0.95, 0.66, 0.20)),
    Ball("/set/hill", 0.00, 3.35, 3.00, 8.0, (0.22, 0.42, 0.16)),
)


class View(NamedTuple):
    """What is looked at: display size in pixels, pixels of overscan on each side, frame, eye shift."""

    width: int
    height: int
    overscan: int = 0
    frame: int = FIRST_FRAME
    eye: float = 0.0


class Layer(NamedTuple):
    """One ball as it looks alone: coverage and depth of each pixel, its normals and its colour."""

    name: str
    coverage: Pixels
    depth: Pixels
    normal: Pixels
    colour: Pixels


class Image(NamedTuple):
    """All balls together, with what each contributes; arrays of (rows, columns) or (rows, columns, 3)."""

    visible: dict[str, Pixels]
    albedo: Pixels
    diffuse: Pixels
    specular: Pixels
    normal: Pixels
    depth: Pixels

    @property
    def alpha(self) -> Pixels:
        return total(self.visible.values())

    @property
    def beauty(self) -> Pixels:
        return total((self.diffuse, self.specular))


def layers(view: View) -> list[Layer]:
    """Every ball alone, nearest first."""
    rows, columns = (np.arange(-view.overscan, size + view.overscan) for size in (view.height, view.width))
    half = view.height / 2
    x, y = np.meshgrid((columns + 0.5 - view.width / 2) / half, (rows + 0.5 - half) / half)
    return [_layer(ball, x - view.eye / ball.distance, y, half, view.frame) for ball in BALLS]


def draw(view: View) -> Image:
    """The picture that the layers make, each hiding what lies behind it."""
    stack = layers(view)
    visible = _visible(stack)
    weights = [visible[layer.name][..., None] for layer in stack]
    pairs = list(zip(weights, stack, strict=True))
    return Image(
        visible,
        albedo=total(weight * layer.colour for weight, layer in pairs),
        diffuse=total(weight * layer.colour * _lambert(layer.normal) for weight, layer in pairs),
        specular=total(weight * _shine(layer.normal) for weight, layer in pairs),
        normal=total(weight * layer.normal for weight, layer in pairs),
        depth=np.min([np.where(layer.coverage > 0.5, layer.depth, FAR_AWAY) for layer in stack], axis=0),
    )


def shaded(layer: Layer) -> Pixels:
    """The layer's own colour under the light, not weighted with its coverage."""
    return layer.colour * _lambert(layer.normal) + _shine(layer.normal)


def total(arrays: Iterable[Pixels]) -> Pixels:
    """The sum of these arrays, as 32-bit floats."""
    stacked = np.stack(list(arrays))
    summed: Pixels = stacked.sum(axis=0, dtype=np.float32)
    return summed


def _layer(ball: Ball, x: Pixels, y: Pixels, half: float, frame: int) -> Layer:
    across = x - ball.x - ball.speed * (frame - FIRST_FRAME)
    down = y - ball.y
    off_centre = np.hypot(across, down)
    towards = np.sqrt(np.maximum(ball.radius**2 - off_centre**2, 0.0))
    length = np.maximum(ball.radius, off_centre)[..., None]
    return Layer(
        ball.name,
        coverage=np.clip(0.5 + (ball.radius - off_centre) * half, 0.0, 1.0).astype(np.float32),
        depth=(ball.distance - towards).astype(np.float32),
        normal=(np.stack((across, down, towards), axis=-1) / length).astype(np.float32),
        colour=np.array(ball.colour, np.float32),
    )


def _visible(stack: list[Layer]) -> dict[str, Pixels]:
    """How much of each pixel each layer fills, after what the nearer ones have taken."""
    left = np.ones_like(stack[0].coverage)
    visible = {}
    for layer in stack:
        visible[layer.name] = layer.coverage * left
        left = left * (1.0 - layer.coverage)
    return visible


def _lambert(normal: Pixels) -> Pixels:
    return 0.06 + 0.94 * np.maximum(normal @ LIGHT, 0.0)[..., None]


def _shine(normal: Pixels) -> Pixels:
    return 0.5 * np.maximum(normal @ HIGHLIGHT, 0.0)[..., None] ** 40 * np.ones(3, np.float32)
