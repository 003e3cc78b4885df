"""What a workspace gives its queries besides tables: functions and watchlists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vedette.core.errors import VedetteError
from vedette.kql.host import Items, SavedFunction
from vedette.store import asim, builtin

if TYPE_CHECKING:
    from vedette.core.clock import Clock
    from vedette.core.database import State
    from vedette.store.functions import SavedFunctions
    from vedette.store.transformations.saved import Transformations
    from vedette.store.transformations.transform import Definition
    from vedette.store.watchlists.lists import Watchlists


class WorkspaceContent:
    """The functions, watchlists and transformations of a workspace as its store sees them; without a state there are the
    built-in functions alone."""

    def __init__(
        self, functions: SavedFunctions | None = None, watchlists: Watchlists | None = None,
        transformations: Transformations | None = None,
    ) -> None:  # fmt: skip
        self._functions = functions
        self._watchlists = watchlists
        self._transformations = transformations

    @classmethod
    def of(cls, state: State, workspace_id: str, clock: Clock) -> WorkspaceContent:
        """The content of a workspace."""
        # the state's library takes longer to import than a query over nothing to run
        from vedette.store.functions import SavedFunctions
        from vedette.store.transformations.saved import Transformations
        from vedette.store.watchlists.lists import Watchlists

        return cls(
            SavedFunctions(state, workspace_id, clock), Watchlists(state, workspace_id, clock),
            Transformations(state, workspace_id, clock),
        )  # fmt: skip

    def transformation(self, stream: str) -> Definition | None:
        """What becomes of the rows of a stream, or None where they are stored as they come."""
        return None if self._transformations is None else self._transformations.for_stream(stream)

    def function(self, name: str) -> SavedFunction | None:
        """A function by name; what the workspace saved goes before what is built in."""
        saved = self._saved(name)
        if saved is not None:
            return saved
        return builtin.function(name) or asim.unifying(name, self._names, self._parameters)

    def function_names(self) -> Iterable[str]:
        """Every function's name."""
        return [*self._names(), *builtin.names(), *asim.names()]

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist's items, or None without such a one."""
        return None if self._watchlists is None else self._watchlists.for_query(alias, keys)

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist."""
        return () if self._watchlists is None else self._watchlists.aliases()

    def _saved(self, name: str) -> SavedFunction | None:
        return None if self._functions is None else self._functions.for_query(name)

    def _names(self) -> Sequence[str]:
        return () if self._functions is None else self._functions.names()

    def _parameters(self, name: str) -> Sequence[str]:
        try:
            saved = self._saved(name)
        except VedetteError:  # whoever calls it is told
            return ()
        return () if saved is None else [one.name.name for one in saved.literal.parameters]
