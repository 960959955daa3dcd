"""Two-way referral: sending, answering, arrival, discharge and the drafted way back.

``react`` is the reaction that the pipeline runs; ``assemble`` builds a document Bundle and serves
``Composition/{id}/$document`` too. The states of a referral stand in ``table``.
"""

from gateway.referral.document import assemble
from gateway.referral.policy import Policies, Policy, read_policies
from gateway.referral.reaction import react, reactor
from gateway.referral.table import steps_of_type

__all__ = [
    "Policies",
    "Policy",
    "assemble",
    "react",
    "reactor",
    "read_policies",
    "steps_of_type",
]
