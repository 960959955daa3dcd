"""A first mapping drawn from sample records: every guess is marked with its reason.

``fields`` collects what the samples hold, ``concepts`` says what a field means by its name, its
data element code or its values, ``drawing`` writes the mapping.
"""

from gateway.mapping.drawing.drawing import Drawn, Sketch, draw
from gateway.mapping.drawing.fields import collect

__all__ = ["Drawn", "Sketch", "collect", "draw"]
