import io

import pytest
from PIL import Image

from dlmath.audit.quality import jpeg_quality


def table_of(quality, mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).quantization[0]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_quality_of_libjpeg_is_read_back(mode):
    # Pillow takes 0 for its default of 75.
    assert [jpeg_quality(table_of(quality, mode)) for quality in range(1, 101)] == [*range(1, 101)]


def test_a_foreign_table_gets_the_nearest_quality():
    table = table_of(80)

    assert jpeg_quality([entry + number % 2 for number, entry in enumerate(table)]) in (79, 80)
