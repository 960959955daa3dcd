"""Two-way referral: sending, answering, arrival, discharge and the drafted way back.

``react`` is the reaction that the pipeline runs; ``assemble`` builds a document Bundle and serves
``Composition/{id}/$document`` too. The states of a referral stand in ``table``.
"""

from gateway.referral.document import assemble
from gateway.referral.policy import Policies, Policy, read_policies
from gateway.referral.reaction import react, reactor
from gateway.referral.registers import REGISTERS, search_of
from gateway.referral.state import check_deletions, own_tasks
from gateway.referral.table import steps_of_type
from gateway.referral.tasks import fulfil_task, tasks_of_kind
from gateway.referral.timeline import Way, timeline
from gateway.referral.trail import is_overdue, marked_overdue

__all__ = [
    "REGISTERS",
    "Policies",
    "Policy",
    "Way",
    "assemble",
    "check_deletions",
    "fulfil_task",
    "is_overdue",
    "marked_overdue",
    "own_tasks",
    "react",
    "reactor",
    "read_policies",
    "search_of",
    "steps_of_type",
    "tasks_of_kind",
    "timeline",
]
