"""The one specification of decoding and resizing, which every path from a file to pixels follows.

1. PNG or JPEG by the first bytes. A DICOM file becomes a grey PNG first, as described in
   `dlmath.data.dicom_pixels`, and other formats and depths a PNG, as in `dlmath.data.conversion`;
   exported graphs read none of these.
2. A JPEG is decoded by the accurate integer DCT, and at a reduced scale where it is much larger
   than what is wanted: 1/r of its size, r the largest of 1, 2, 4 and 8 that leaves at least the
   wanted size on both sides. The reduction takes place in the DCT domain.
3. Grey becomes three equal channels, a palette its colours; alpha is left out and the colours
   below it stay as stored, which is what Pillow's `convert("RGB")` does.
4. The EXIF orientation is applied.
5. Antialiased bilinear (triangle) resizing to a square, the aspect ratio not kept, to uint8.

`dlmath.data.images` follows it in Pillow and NumPy, by which dlmath itself reads files, and
`dlmath.data.image_graph` in TensorFlow for exported graphs: equal bit for bit up to step 4, and
within one level after.

On 30 chest X-rays of 0.1 to 6 megapixels, resized to 224, the reduced scale changes the result by
0.55 levels in the mean and 85 at the sharpest edge; saving that result as a JPEG of quality 95
changes it by 0.73 and 9, and decoding in full takes more than twice as long
(`python benchmarks/speed/bench_decode.py FOLDER`).
"""

# Part of cache keys and manifests: change it whenever a pixel could come out otherwise.
SPECIFICATION = "islow-reduced-exif-triangle-2"

REDUCTIONS = (1, 2, 4, 8)  # of a JPEG's sides; libjpeg knows no larger one


def reduction(height: int, width: int, size: int) -> int:
    """Return r for a JPEG of `height` x `width` pixels that will be resized to `size`."""
    return max(r for r in REDUCTIONS if r == 1 or min(height, width) >= r * size)
