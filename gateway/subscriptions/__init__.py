"""Subscriptions: what members asked to be told of, and which writes concern it."""

from gateway.subscriptions.pushing import NOTICED, OPTION, Pushing
from gateway.subscriptions.topics import BY_URL, TOPICS, Topic
from gateway.subscriptions.watching import IN_FORCE, TYPE, Watch, Watches, compile_watch

__all__ = [
    "BY_URL",
    "IN_FORCE",
    "NOTICED",
    "OPTION",
    "TOPICS",
    "TYPE",
    "Pushing",
    "Topic",
    "Watch",
    "Watches",
    "compile_watch",
]
