"""Connections to the databases of the hospitals' systems, by SQLAlchemy's dialects."""

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from gateway.errors import GatewayError


def opened(url: URL) -> Engine:
    """Make an engine whose connections are closed after each poll; raise GW-1051."""
    try:
        return create_engine(url, poolclass=NullPool)
    except (ImportError, NoSuchModuleError) as err:
        raise GatewayError("GW-1051", dialect=url.get_backend_name()) from err
