"""The ways by which records are fetched from where a hospital's systems leave them.

A carrier knows neither the pipeline nor the web: it gives raw bytes to a ``Take`` and tidies away
what was taken. The gateway's own ``Take`` is the pipeline, that of ``gateway relay`` its spool.
"""
