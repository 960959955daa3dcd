"""Two-way referral: sending, answering, arrival, discharge and the drafted way back.

``react`` is the reaction that the pipeline runs; ``assemble`` builds a document Bundle and serves
``Composition/{id}/$document`` too. The states of a referral stand in ``state``.
"""

from gateway.referral.document import assemble
from gateway.referral.reaction import react

__all__ = ["assemble", "react"]
