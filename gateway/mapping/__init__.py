"""The mapping engine: YAML compiled once to code that keeps the lineage of every leaf.

``docs/mapping.md`` is the language. ``load_mapping`` compiles one file, ``Library`` a folder.
"""

from gateway.mapping.compiling import load_mapping
from gateway.mapping.library import Library
from gateway.mapping.problems import MappingErrors, Problem
from gateway.mapping.program import MappingProgram

__all__ = ["Library", "MappingErrors", "MappingProgram", "Problem", "load_mapping"]
