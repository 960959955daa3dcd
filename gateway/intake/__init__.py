"""The entrances for native records: HTTP, MLLP, watched folders."""
