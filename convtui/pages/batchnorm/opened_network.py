"""What the Norms page shows and undoes, and the name under which the app keeps its history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from convtui.state.history import Document

if TYPE_CHECKING:  # the name of the history is known long before there is a network
    from convtui.pages.batchnorm.measurer import BatchMeasurer
    from convtui.pages.batchnorm.network_source import NetworkSource
    from convtui.state.batchnorm import BatchNormSession


@dataclass(frozen=True, eq=False)
class OpenedNetwork:
    """A network, where it is from, its data set's mini-batches, and what is done with a batch norm of it."""

    source: NetworkSource
    measurer: BatchMeasurer
    session: BatchNormSession

    def with_session(self, session: BatchNormSession) -> OpenedNetwork:
        """With another session; itself if it is the same."""
        return self if session is self.session else replace(self, session=session)


BATCHNORM: Final = Document[OpenedNetwork]("batchnorm")
