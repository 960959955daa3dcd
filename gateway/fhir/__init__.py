"""The FHIR R4 standard as the gateway knows it: pure, without I/O, clock or settings."""
