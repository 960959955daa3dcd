"""Who may do what: clients, tokens, scopes, access classes, and the policy that joins them."""

from gateway.access.assertions import TYPE as ASSERTION_TYPE
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
    is_sensitive,
    organizations_named,
)
from gateway.access.clients import ClientRow
from gateway.access.consent import Decision, Rule, decide, rules
from gateway.access.credentials import new_secret
from gateway.access.foreign import Provider
from gateway.access.keys import ALGORITHMS, public_text, read_keys
from gateway.access.links import Link, Seal
from gateway.access.policy import (
    ROLES,
    Purpose,
    demand,
    demand_break_glass,
    demand_change,
    demand_id,
    demand_intake,
    for_purpose,
    identified,
    purpose_of,
    visibility,
)
from gateway.access.scopes import LETTERS, Scope, granted, parse_scopes

__all__ = [
    "ALGORITHMS",
    "ASSERTION_TYPE",
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
    "ClientRow",
    "Decision",
    "Link",
    "Provider",
    "Purpose",
    "Registry",
    "Rule",
    "Scope",
    "Seal",
    "basic_credentials",
    "classify",
    "decide",
    "demand",
    "demand_break_glass",
    "demand_change",
    "demand_id",
    "demand_intake",
    "for_purpose",
    "granted",
    "identified",
    "is_referral",
    "is_sensitive",
    "new_secret",
    "organizations_named",
    "parse_scopes",
    "public_text",
    "purpose_of",
    "read_keys",
    "rules",
    "visibility",
]
