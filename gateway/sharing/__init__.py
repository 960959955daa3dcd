"""Sharing of results between members, and their mutual recognition."""

from gateway.sharing.reaction import react
from gateway.sharing.recognition import Recognition, recognisable

__all__ = ["Recognition", "react", "recognisable"]
