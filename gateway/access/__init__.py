"""Who may do what: clients, tokens, scopes, access classes, and the policy that joins them."""

from gateway.access.authority import SANDBOX_MEMBER, Access, Registry, basic_credentials
from gateway.access.classes import (
    CLINICAL,
    DIRECTORY,
    FINANCE,
    IDENTITY,
    REFERRAL,
    REPORT,
    classify,
    is_referral,
    organizations_named,
)
from gateway.access.credentials import new_secret
from gateway.access.links import Link, Seal
from gateway.access.policy import ROLES, demand, demand_change, demand_id, demand_intake, visibility
from gateway.access.scopes import LETTERS, Scope, granted, parse_scopes

__all__ = [
    "CLINICAL",
    "DIRECTORY",
    "FINANCE",
    "IDENTITY",
    "LETTERS",
    "REFERRAL",
    "REPORT",
    "ROLES",
    "SANDBOX_MEMBER",
    "Access",
    "Link",
    "Registry",
    "Scope",
    "Seal",
    "basic_credentials",
    "classify",
    "demand",
    "demand_change",
    "demand_id",
    "demand_intake",
    "granted",
    "is_referral",
    "new_secret",
    "organizations_named",
    "parse_scopes",
    "visibility",
]
