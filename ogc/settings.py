"""Settings: typed, read once at the edge, passed in."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables `LIENTHONG_*` (contracts 2)."""

    model_config = SettingsConfigDict(env_prefix="LIENTHONG_", frozen=True, extra="ignore")

    data: Path = Field(default=Path(".lienthong"), description="uploads, exports, cache; also the private cluster")
    secrets: Path | None = Field(default=None, description="keys, mode 0700, never in a backup; default <data>/secrets")
    profile: Path | None = Field(default=None, description="profile folder; default: the one in the package")
    database_url: str | None = Field(default=None, description="an external PostGIS; default: the private cluster")
    shared: Path = Field(default=Path("../shared"), description="real test data")
    rasters: Path | None = Field(default=None, description="files of rasters; default <data>/rasters")
    root_path: str = Field(default="", description="path prefix in front of every link")
    trusted_proxies: str = Field(
        default="127.0.0.0/8,::1",
        description="addresses and networks whose Forwarded and X-Forwarded-* say scheme, host, prefix and caller",
    )
    other_sites: bool = Field(
        default=True,
        description="pages of other sites may read what anybody may (CORS, never with credentials); false where "
        "anybody is only who is on the operator's network",
    )
    metrics_open: bool = Field(
        default=False, description="/metrics answers other machines too: only on a network of the operator's own"
    )
    seal_p12: Path | None = Field(
        default=None, description="PKCS#12 of the seal on extracts; under --demo it makes one"
    )
    seal_password_file: Path | None = Field(default=None, description="its password; default <secrets>/seal.password")
    seal_tsa_url: str | None = Field(default=None, description="time stamps for the seal (RFC 3161); default: none")
    office_roots: Path | None = Field(
        default=None, description="root certificates of offices that sign extracts: a PEM file, or a folder of them"
    )
    public_url: str | None = Field(default=None, description="the service's address as printed in extracts")
    tile_cache_mb: int = Field(default=2_000, ge=0, description="tiles kept in <data>/cache/tiles; 0 keeps none")
    edits_without_if_match: bool = Field(
        default=False, description="features may be changed without If-Match: for desktops that cannot send it (QGIS)"
    )
    check_threads: int = Field(default=2, ge=1)
    pool_size: int = Field(default=8, ge=2)
    export_stall_s: float = Field(default=30.0, gt=0, description="how long the reader of an export may take nothing")

    @property
    def data_folder(self) -> Path:
        return self.data.expanduser().absolute()

    @property
    def secrets_folder(self) -> Path:
        return (self.secrets or self.data_folder / "secrets").expanduser().absolute()

    @property
    def tiles_folder(self) -> Path:
        return self.data_folder / "cache" / "tiles"

    @property
    def rasters_folder(self) -> Path:
        return (self.rasters or self.data_folder / "rasters").expanduser().absolute()

    @property
    def profile_folder(self) -> Path:
        default = Path(__file__).resolve().parent.parent / "layers" / "definitions"
        return (self.profile or default).expanduser().absolute()
