"""The datatype maps, written in the mapping language itself, and the well-known coding systems."""
