"""What is done once a program imports a module that Prong does not import for it, since that would take long."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def when_imported(name: str, then: Callable[[ModuleType], object]) -> None:
    """Calls ``then(module)``: now if the module is there, else as soon as it was imported, before anybody has it."""
    finder = _Finder(name, then)
    sys.meta_path.insert(0, finder)
    if name in sys.modules or _has_other_threads():  # one of them may just have gone past the finders
        __import__(name)
        finder.loaded(sys.modules[name])


def _has_other_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


class _Finder:
    """A finder for one module. Steps back once that was loaded."""

    def __init__(self, name: str, then: Callable[[ModuleType], object]) -> None:
        self._name = name
        self._then = then
        self._asks_others = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name or self._asks_others:
            return None
        from importlib.util import find_spec

        self._asks_others = True
        try:
            spec = find_spec(name)
        finally:
            self._asks_others = False
        if spec is not None:
            spec.loader = _Loader(self, spec.loader)  # type: ignore[assignment]
        return spec

    def loaded(self, module: ModuleType) -> None:
        if self not in sys.meta_path:
            return
        self._then(module)
        # A new list: another thread may be going through this one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]


class _Loader:
    """Loads a module as its own loader does, and says so."""

    def __init__(self, finder: _Finder, loader: Any) -> None:
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
