"""What a planner imports: `from lienthong import Client`."""

from ogc.client import CheckAnswer, Client, LayerHandle, LienthongClientError

__all__ = ["CheckAnswer", "Client", "LayerHandle", "LienthongClientError"]
