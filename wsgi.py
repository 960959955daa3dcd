"""The application for any WSGI server, such as ``gunicorn wsgi:app``."""

from gateway.app import from_environment

app = from_environment()
