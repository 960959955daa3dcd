"""Profiles: what a StructureDefinition asks beyond its base type, as checks of their own."""
