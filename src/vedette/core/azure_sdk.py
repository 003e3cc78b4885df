"""Azure's SDK, imported as a whole before its first use.

Its modules import each other in circles: two threads that begin with different ones of them wait for each other, of which Python ends
one with an error. So whoever needs it asks here first, and one thread imports all of it.
"""

from __future__ import annotations

import importlib
from threading import Lock
from typing import Final

_CORE: Final = (
    "azure.core", "azure.core.exceptions", "azure.core.rest", "azure.core.credentials", "azure.core.pipeline.policies",
    "azure.core.pipeline.transport", "azure.identity",
)  # fmt: skip
_importing = Lock()
_imported: set[str] = set()


def sdk(*further: str) -> None:
    """Import azure-core and azure-identity, and `further` modules, unless they are there. Raises `ImportError`."""
    wanted = (*_CORE, *further)
    if _imported.issuperset(wanted):
        return
    with _importing:  # whoever comes meanwhile waits until all of it is there
        for name in wanted:
            importlib.import_module(name)
        _imported.update(wanted)
