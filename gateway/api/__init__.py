"""The FHIR API: one file per interaction or operation, in the standard's words."""
