"""Build the running gateway from its settings: the one place where the parts meet."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from gateway import oversight, referral, settlement, sharing, subscriptions
from gateway.access import Access, Provider
from gateway.delivery import AddressGuard, fetch
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.conformance import Conformance
from gateway.fhir.definitions import Definitions, load
from gateway.fhir.search_code_sets import LoadedCodeSets
from gateway.fhir.search_index import compile_indexer
from gateway.fhir.terminology import Terminology
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library
from gateway.pipeline import Pipeline
from gateway.preparing import Preparer
from gateway.records import Reactor, Resource, Visibility
from gateway.settings import Settings
from gateway.store import Store, Tenant
from gateway.subscriptions import Watches
from gateway.telemetry import log
from gateway.validation import Validator
from gateway.validation.packages import read_definitions
from gateway.validation.shards import DEFINITIONS, ShardValidators

LOG = log("wiring")

SANDBOX_SHARD = 1
_COLLECTED_AFTER = 5_000


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything the edges and the command line work with."""

    settings: Settings
    definitions: Definitions
    conformance: Conformance
    terminology: Terminology
    validator: ShardValidators
    store: Store
    access: Access
    pipeline: Pipeline
    clock: Callable[[], datetime]

    def close(self) -> None:
        """Finish what is queued and close the database."""
        self.pipeline.close()
        self.store.close()


def utc_now() -> datetime:
    """Give the current instant."""
    return datetime.now(UTC)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put garbage collection off: a start makes much that stays, which it would search in vain."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_uncollected()
def build_runtime(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Runtime:
    """Compile definitions, profiles and mappings, open the store, wire the pipeline.

    Raises GW-8013 for a sandbox beyond loopback, GW-5xxx when the database cannot be opened, and
    MappingErrors when a mapping does not compile.
    """
    if settings.sandbox and not settings.is_loopback:
        raise GatewayError("GW-8013", listen=settings.listen)
    definitions = load()
    packages = profiles(settings)
    own = Validator(definitions, clock=clock).with_definitions(packages)
    secret = settings.deployment_secret()
    store = open_store(settings)
    _furnish(settings, store)
    store.code_sets = LoadedCodeSets(own.terminology)
    validator = ShardValidators(own, partial(stored_definitions, store))
    access = _access(settings, store, secret, clock)
    watches = Watches(
        partial(stored_subscriptions, store), access.viewer, monotonic, store.registry.channels
    )
    pipeline = Pipeline(
        store,
        READERS,
        library(settings, definitions, _named(store)),
        Preparer(validator, compile_indexer(definitions), reactors(settings), secret, watches),
        secret,
        clock,
        settings.max_message_bytes,
    )
    return Runtime(
        settings,
        definitions,
        Conformance(definitions, packages),
        own.terminology,
        validator,
        store,
        access,
        pipeline,
        clock,
    )


def _furnish(settings: Settings, store: Store) -> None:
    """Give a sandbox a tenant: what works beside the requests looks after those alone."""
    if settings.sandbox and SANDBOX_SHARD not in store.registry.shards():
        store.registry.add_tenant(Tenant("sandbox", "沙箱 Sandbox", SANDBOX_SHARD))


def settle() -> None:
    """Take what a start has made out of garbage collection, and collect less often.

    For a process that serves: a record makes thousands of objects, of which hardly any is part of
    a circle, and searching them took a tenth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 20, 20)


def _named(store: Store) -> list[str]:
    """Give the mappings that the channels name."""
    return [id_ for channel in store.registry.channels() for id_ in channel.mappings]


def _access(
    settings: Settings, store: Store, secret: bytes, clock: Callable[[], datetime]
) -> Access:
    return Access(
        secret,
        store.registry,
        store.credentials,
        clock,
        fetch=partial(fetch, AddressGuard.from_setting(settings.allowed_networks)),
        lifetime_s=settings.token_lifetime_s,
        sandbox_shard=SANDBOX_SHARD if settings.sandbox else None,
        provider=_provider(settings),
        requests_per_minute=settings.requests_per_minute,
        failed_logins_per_minute=settings.failed_logins_per_minute,
    )


def _provider(settings: Settings) -> Provider | None:
    if not settings.trusted_issuer:
        return None
    audience = settings.trusted_audience or f"{settings.public_url}/fhir"
    return Provider(settings.trusted_issuer, settings.trusted_keys, audience)


def library(settings: Settings, definitions: Definitions, ids: Iterable[str]) -> Library:
    """Compile the mappings that channels name, the others when they are first asked for.

    One that fails is left out, so that it stops no other hospital: records that need it are parked
    until it is mended.
    """
    folders = _folders(settings.mappings)
    mappings = Library(folders, DIALECTS, definitions, READERS, is_lenient=True, is_lazy=True)
    mappings.want(ids)
    for path, error in mappings.failures.items():
        LOG.error("mapping left out", file=path, error=error.number, text=error.text_en)
    return mappings


def reactors(settings: Settings) -> tuple[Reactor, ...]:
    """Give what the domain does by itself, under the deployment's policies; raise GW-6240."""
    paths = [
        path
        for folder in _folders(settings.profiles)
        for path in sorted((folder / "policies").glob("referral*.yaml"))
    ]
    return (
        referral.reactor(referral.read_policies(paths)),
        settlement.react,
        sharing.react,
        oversight.react,
    )


def open_store(settings: Settings) -> Store:
    """Open the database of the settings with its schema up to date."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store.open(settings.database_url, data_dir=settings.data_dir)
    store.upgrade()
    return store


def profiles(settings: Settings) -> list[Resource]:
    """Read the FHIR artefacts and packages that lie in the profile folders themselves."""
    return read_definitions(
        path
        for folder in _folders(settings.profiles)
        for path in sorted(folder.glob("*"))
        if path.suffix in {".json", ".tgz"}
    )


def stored_definitions(store: Store, shard: int) -> list[Resource]:
    """Read the profiles and terminology that were sent to the gateway."""
    reading = store.reading(shard)
    return [resource for type_ in sorted(DEFINITIONS) for resource in reading.find(type_)]


def stored_subscriptions(store: Store, shard: int) -> list[tuple[str, Resource]]:
    """Read the Subscriptions in force, each with the member that wrote it."""
    everything = Visibility(shard, "", sees_all=True)
    query = store.query(
        shard,
        (subscriptions.TYPE,),
        [("status", ",".join(subscriptions.IN_FORCE)), ("_count", "1000")],
    )
    page = store.search(everything, query)
    found = list(page.matches)
    while page.next is not None:
        page = store.search(everything, query, page.next)
        found.extend(page.matches)
    return [(one.owner, codec.decode_stored(one.body)) for one in found]


def _folders(paths: str) -> list[Path]:
    """Split a path list; relative folders also mean those beside the package (a checkout)."""
    beside = Path(__file__).resolve().parent.parent
    folders = [Path(path) for path in paths.split(":") if path]
    return [
        folder if folder.is_dir() or folder.is_absolute() else beside / folder for folder in folders
    ]
