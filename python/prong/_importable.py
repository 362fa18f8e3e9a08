"""What workers find by its name."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_importable(obj: Any) -> bool:
    """True if a worker finds a function or class by its name. Heeds ``cloudpickle.register_pickle_by_value``."""
    module = getattr(obj, "__module__", None)
    value: Any = sys.modules.get(module or "")
    if value is None or module == "__main__" or is_registered_by_value(module):
        return False
    for name in getattr(obj, "__qualname__", "").split("."):
        value = getattr(value, name, None)
    return value is obj


def is_registered_by_value(module: Any) -> bool:
    """Whether the program has asked cloudpickle for it."""
    cloudpickle = sys.modules.get("cloudpickle.cloudpickle")
    if cloudpickle is None:
        return False
    return any(module == name or module.startswith(f"{name}.") for name in cloudpickle.list_registry_pickle_by_value())
