"""The store: the only SQL. One schema for SQLite and PostgreSQL, ``shard`` in every key."""

from gateway.store.audit import AuditTrail, Wanted
from gateway.store.audit_chain import AuditChain, Verified
from gateway.store.credentials import Credential, Credentials
from gateway.store.database import Snapshot
from gateway.store.journal import Attempt, Journal, Message, Record
from gateway.store.outbox import Backlog, Delivery, Outbox
from gateway.store.pages import Page
from gateway.store.pruning import Pruned
from gateway.store.registry import Client, Member, Registry, Tenant
from gateway.store.store import Store

__all__ = [
    "Attempt",
    "AuditChain",
    "AuditTrail",
    "Backlog",
    "Client",
    "Credential",
    "Credentials",
    "Delivery",
    "Journal",
    "Member",
    "Message",
    "Outbox",
    "Page",
    "Pruned",
    "Record",
    "Registry",
    "Snapshot",
    "Store",
    "Tenant",
    "Verified",
    "Wanted",
]
