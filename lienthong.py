"""What a planner imports: `from lienthong import Client`."""

from ogc.client import Client, LayerHandle, LienthongClientError

__all__ = ["Client", "LayerHandle", "LienthongClientError"]
