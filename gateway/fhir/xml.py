"""FHIR XML to resources and back, without loss, driven by the definitions.

R4 section 2.6.1. Decimals keep their digits, primitives their extensions, the narrative its XHTML.
"""

from gateway.fhir.xml_reader import decode
from gateway.fhir.xml_writer import encode, indented

__all__ = ["decode", "encode", "indented"]
