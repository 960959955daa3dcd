"""Consortium FHIR gateway: native hospital records become FHIR R4 and move between members."""

__version__ = "0.1.0"
