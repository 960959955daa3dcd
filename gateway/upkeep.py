"""Keep house: drop what no page can ask for any more, and messages kept long enough."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.records import UNNAMED
from gateway.settings import Settings
from gateway.store import Pruned, Store
from gateway.telemetry import log

LOG = log("upkeep")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The rounds of one store by the settings' times; the worker walks them."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]

    def __call__(self) -> None:
        """Walk one round through every shard."""
        pruned: list[Pruned] = []
        kept = self._before(self.settings.keep_audit_days)
        for shard in (UNNAMED, *self.store.registry.shards()):
            if kept is not None:
                self.store.prune_audit(shard, kept)
        for shard in self.store.registry.shards():
            self.store.purge(shard)
            pruned += self.prune(shard)
        self.store.credentials.forget(self.now())
        count = sum(one.messages for one in pruned)
        if count:
            LOG.info("messages pruned", messages=count, freed=self.store.reclaim())

    def prune(self, shard: int, *, is_dry: bool = False) -> tuple[Pruned, Pruned]:
        """Prune a shard's messages, done and parked each by its own time of keeping."""
        return self.store.prune(
            shard,
            done=self._before(self.settings.keep_done_days),
            parked=self._before(self.settings.keep_parked_days),
            is_dry=is_dry,
        )

    def _before(self, days: int) -> datetime | None:
        return self.now() - timedelta(days=days) if days > 0 else None
