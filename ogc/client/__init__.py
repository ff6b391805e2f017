"""The planner's door: a notebook talks to the service over its public API, with the planner's own rights."""

from ogc.client.answers import CheckAnswer
from ogc.client.client import Client
from ogc.client.errors import LienthongClientError
from ogc.client.layer import LayerHandle

__all__ = ["CheckAnswer", "Client", "LayerHandle", "LienthongClientError"]
