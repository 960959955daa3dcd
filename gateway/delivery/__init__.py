"""Delivery of notices to the members' own systems: signed, in order, never to inside addresses."""

from gateway.delivery.addresses import AddressGuard
from gateway.delivery.backoff import Backoff
from gateway.delivery.dispatch import Dispatcher, Outlet
from gateway.delivery.fetching import fetch
from gateway.delivery.notification import Notification, notification
from gateway.delivery.sender import Answered, Awaited, Delivered, Failed, Letter, Outcome, Sender
from gateway.delivery.signing import endpoint_secret, sign, verify

__all__ = [
    "AddressGuard",
    "Answered",
    "Awaited",
    "Backoff",
    "Delivered",
    "Dispatcher",
    "Failed",
    "Letter",
    "Notification",
    "Outcome",
    "Outlet",
    "Sender",
    "endpoint_secret",
    "fetch",
    "notification",
    "sign",
    "verify",
]
