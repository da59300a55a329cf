"""A finished bundle on a model hub: looked through first, and sent when that is asked for. Nothing else calls it."""

from compressor.push.destination import Destination
from compressor.push.hub import Sent, send
from compressor.push.upload import Upload, make_upload

__all__ = ["Destination", "Sent", "Upload", "make_upload", "send"]
