"""The folder that is deployed, imported as the runtime imports it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import exr_inspector
from exr_inspector.apps.devserver.context import Context
from exr_inspector.apps.devserver.events import VastEvent, VastEventList
from exr_inspector.errors import BAD_SETTING, InspectorError

_BATCHING = "event_batching"
_REQUIRED = ("init", "handler")


def event_batching_handler(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a handler that takes a VastEventList and returns a list of the same length."""
    setattr(function, _BATCHING, True)
    return function


def is_batching(function: Callable[..., Any]) -> bool:
    """Whether a handler is so marked."""
    return getattr(function, _BATCHING, False) is True


# What each name of the runtime's module offers; a function that runs under both imports neither.
SDK_MODULES: dict[str, dict[str, Any]] = {
    "vast_runtime.vast_event": {"VastEvent": VastEvent},
    "vast.dataengine.sdk": {
        "VastEvent": VastEvent,
        "Context": Context,
        "VastEventList": VastEventList,
        "event_batching_handler": event_batching_handler,
    },
}


@contextmanager
def sdk_modules(names: Sequence[str]) -> Iterator[None]:
    """Let these of SDK_MODULES be importable for a while."""
    made = {name: module for full in names for name, module in _with_parents(full).items()}
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


@contextmanager
def deployed(folder: str | Path, handler_file: str = "main.py") -> Iterator[ModuleType]:
    """The handler's module, with its folder first on the import path for a while.

    Raises InspectorError(BAD_SETTING) where the build would refuse the folder, and whatever importing
    the module raises.
    """
    root = Path(folder).resolve()
    _check_package(root)
    before = set(sys.modules)
    sys.path.insert(0, str(root))
    try:
        yield _imported(root / handler_file)
    finally:
        sys.path.remove(str(root))
        for name in set(sys.modules) - before:
            if _is_from(sys.modules[name], root):
                del sys.modules[name]


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"deployed_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InspectorError(BAD_SETTING, "no handler file lies there", str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    absent = [name for name in _REQUIRED if not callable(getattr(module, name, None))]
    if absent:
        raise InspectorError(BAD_SETTING, f"the handler file does not define {', '.join(absent)}", str(file))
    return module


def _check_package(root: Path) -> None:
    """The package is imported already; the folder's own copy of it would be passed over in silence."""
    package, copy = Path(exr_inspector.__file__).parent, root / exr_inspector.__name__
    if copy.is_dir() and not copy.samefile(package):
        raise InspectorError(
            BAD_SETTING, f"{package} runs, not this copy; put its folder on PYTHONPATH", str(copy)
        )


def _is_from(module: ModuleType, root: Path) -> bool:
    """Whether a module must be imported anew next time; this package itself lives on."""
    file = getattr(module, "__file__", None)
    ours = module.__name__.partition(".")[0] == exr_inspector.__name__
    return bool(file) and not ours and root in Path(file or "").parents


def _with_parents(full: str) -> dict[str, ModuleType]:
    steps = full.split(".")
    names = [".".join(steps[: count + 1]) for count in range(len(steps))]
    modules = {name: ModuleType(name) for name in names}
    for parent, child in pairwise(names):
        modules[parent].__path__ = []
        setattr(modules[parent], child.rpartition(".")[2], modules[child])
    vars(modules[full]).update(SDK_MODULES[full])
    return modules
