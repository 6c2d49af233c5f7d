"""The one specification of decoding and resizing, which every path from a file to pixels follows.

1. PNG or JPEG by the first bytes.
2. A JPEG is decoded by the accurate integer DCT, and at a reduced scale where it is much larger
   than what is wanted: 1/r of its size, r the largest of 1, 2, 4 and 8 that leaves at least the
   wanted size on both sides. The reduction takes place in the DCT domain.
3. Grey becomes three equal channels, a palette its colours; alpha is left out and the colours
   below it stay as stored, which is what Pillow's `convert("RGB")` does.
4. The EXIF orientation is applied.
5. Antialiased bilinear (triangle) resizing to a square, the aspect ratio not kept, to uint8.

`dlmath.data.images` has it in TensorFlow for graphs, `dlmath.data.pillow_images` in Pillow and
NumPy for programs without TensorFlow: equal bit for bit up to step 4, and within one level after.

On chest X-rays of 0.1 to 6 megapixels, at 224, the reduced scale changes a result by 0.5 levels
in the mean and 85 at sharp edges, and the features of EfficientNet-Lite0 by 6 % of their norm;
saving that result as a JPEG of quality 95 changes them by 10 % (benchmarks/bench_decode.py).
"""

# Part of cache keys and manifests: change it whenever a pixel could come out otherwise.
SPECIFICATION = "islow-reduced-exif-triangle-2"

REDUCTIONS = (1, 2, 4, 8)  # of a JPEG's sides; libjpeg knows no larger one


def reduction(height: int, width: int, size: int) -> int:
    """Return r for a JPEG of `height` x `width` pixels that will be resized to `size`."""
    return max(r for r in REDUCTIONS if r == 1 or min(height, width) >= r * size)
