"""Where models and data come from: a local path, a file or folder inside a package, or a model hub.

Importing this loads none of torch, transformers or huggingface_hub; the hub client is loaded when a hub id is used.
"""

from compressor.sources.hub import HubSource, hub_client, is_hub_id
from compressor.sources.license import license_in_metadata
from compressor.sources.package import PackageSource
from compressor.sources.path import PathSource
from compressor.sources.reference import license_of, local_copy, open_source
from compressor.sources.safety import check_model_folder, check_what_pytorch_loads
from compressor.sources.sdist import SdistSource
from compressor.sources.source import Source
from compressor.sources.wheel import WheelSource

__all__ = [
    "HubSource",
    "PackageSource",
    "PathSource",
    "SdistSource",
    "Source",
    "WheelSource",
    "check_model_folder",
    "check_what_pytorch_loads",
    "hub_client",
    "is_hub_id",
    "license_in_metadata",
    "license_of",
    "local_copy",
    "open_source",
]
