"""Say what images show, as JSON: python classify.py IMAGE_OR_FOLDER...; --help says more.

Needs NumPy, Pillow, and ai-edge-litert or onnxruntime; pydicom for DICOM files. Files that cannot
be read are reported, and the exit code is 2. Written by `dlmath export`. Research use only: not a
medical device.
"""

import sys
from pathlib import Path

from dlmath_standalone.inference.standalone import classify, load, main

__all__ = ["classify", "load", "main"]

if __name__ == "__main__":
    main(Path(__file__).resolve().parent, sys.argv[1:])
