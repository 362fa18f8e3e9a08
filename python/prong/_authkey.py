"""The program's key of multiprocessing, for what a worker's jobs do with managers and queues."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_MODULE = "multiprocessing.process"


def set_authkey(key: bytes) -> None:
    """Sets it now, or when multiprocessing is imported, which takes as long as to start an interpreter."""
    module = sys.modules.get(_MODULE)
    if module is not None:
        module.current_process().authkey = key
    else:
        sys.meta_path.insert(0, _KeySetter(key))


class _KeySetter:
    """A finder for one module, and its loader. Steps back once the module was loaded."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        # Nothing is imported here: the interpreter holds the lock of all imports, and another thread that of a module.
        if name != _MODULE:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self]:
            spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is None:
                continue
            if hasattr(spec.loader, "exec_module"):
                spec.loader = _KeyLoader(self, spec.loader)  # type: ignore[assignment]
            return spec
        return None

    def loaded(self, module: ModuleType) -> None:
        module.current_process().authkey = self._key
        # A new list: another thread may be going through this one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]


class _KeyLoader:
    def __init__(self, finder: _KeySetter, loader: Any) -> None:
        self._finder = finder
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._finder.loaded(module)
