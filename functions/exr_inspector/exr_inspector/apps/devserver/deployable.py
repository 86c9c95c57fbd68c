"""Import the function's folder like the runtime does."""

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
    """Return whether `event_batching_handler` has marked the handler."""
    return getattr(function, _BATCHING, False) is True


# The names in each version of the runtime's module. A function for both versions imports neither.
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
    """Make these of SDK_MODULES importable inside the block."""
    made: dict[str, ModuleType] = {}
    for full in names:
        steps = full.split(".")
        chain = [".".join(steps[: count + 1]) for count in range(len(steps))]
        made |= {name: ModuleType(name) for name in chain}
        for parent, child in pairwise(chain):
            made[parent].__path__ = []
            setattr(made[parent], child.rpartition(".")[2], made[child])
        vars(made[full]).update(SDK_MODULES[full])
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
    """Import the handler file, with its folder first on the import path inside the block.

    Raises InspectorError(BAD_SETTING) if a build would reject the folder, and every exception of the import.
    """
    root = Path(folder).resolve()
    package, copy = Path(exr_inspector.__file__).parent, root / exr_inspector.__name__
    if copy.is_dir() and not copy.samefile(package):
        # The package is already imported, so this copy would be ignored.
        raise InspectorError(
            BAD_SETTING, f"{package} is imported, not this copy; put its folder on PYTHONPATH", str(copy)
        )
    before = set(sys.modules)
    sys.path.insert(0, str(root))
    try:
        yield _import(root / handler_file)
    finally:
        sys.path.remove(str(root))
        for name in set(sys.modules) - before:
            # The next block imports the folder's modules again. This package stays imported.
            file = getattr(sys.modules[name], "__file__", None)
            is_ours = name.partition(".")[0] == exr_inspector.__name__
            if file and not is_ours and root in Path(file).parents:
                del sys.modules[name]


def _import(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"deployed_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InspectorError(BAD_SETTING, "the handler file does not exist", str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    absent = [name for name in _REQUIRED if not callable(getattr(module, name, None))]
    if absent:
        raise InspectorError(BAD_SETTING, f"the handler file does not define {', '.join(absent)}", str(file))
    return module
