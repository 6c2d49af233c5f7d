r"""Random changes of training images: geometry, tone, quality, erased parts, swapped borders.

Drawing the numbers and applying them are apart, so that a test can pass known numbers, and both
are pure functions: the draw of its seed, the rest of the draw. One affine warp carries out all
that moves pixels, so an image is interpolated once.

**Border swap.** A network may read the class from what surrounds the part that the label is about:
how a film is framed, where the arms are. So the recipe names a region in the middle of the picture,
and with a probability the region of an image is set into another image of the batch, of any class;
the label stays that of the region. With the soft mask m of the region, and both images warped,

    x_i <- m_i x_i + (1 - m_i) x_j.

Source: the idea of swapping backgrounds is that of Xiao et al., "Noise or Signal: The Role of Image
Backgrounds in Object Recognition", ICLR 2021, arXiv:2006.09994, here without a segmentation.
"""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from dlmath.data import degradation
from dlmath.recipe import Recipe

ERASED = (0.1, 0.35)  # sides of an erased rectangle, as fractions of the image's
REGION_SHIFT = 0.05  # by which the region's centre moves, as a fraction of the side
REGION_ZOOM = 0.15  # by which its width and height vary
BEST_QUALITY = 95  # of a JPEG, from which qualities are drawn down
SOFTNESS = 12.0  # of the region's edge: the mask falls from 0.9 to 0.1 over 0.37 / 2 of the region


class Rectangle(NamedTuple):
    """A rectangle in each of B images, in fractions of the side; float32 (B,) each."""

    x: tf.Tensor  # of its centre, from the left
    y: tf.Tensor  # of its centre, from the top
    width: tf.Tensor  # 0 for none
    height: tf.Tensor


class BorderSwap(NamedTuple):
    """Whose border surrounds the region of each of B images."""

    partner: tf.Tensor  # int32 (B,), the row of the image that gives the border
    swapped: tf.Tensor  # bool (B,), False leaves the image
    region: Rectangle


class Noise(NamedTuple):
    """Gaussian noise for each of B images."""

    deviation: tf.Tensor  # float32 (B,), as a fraction of the range 0..255
    seed: tf.Tensor  # int32 (2,), decides the noise of all of them


class Draw(NamedTuple):
    """One augmentation for each of B images; an array is float32 (B,) unless it says otherwise.

    The parts apply in this order: flips, zoom, stretch, shear, rotation, shift; border swap;
    equalisation, contrast, gamma, brightness; blur, resolution, noise, JPEG; erasing. None is a
    part that the recipe leaves out.
    """

    flip_horizontal: tf.Tensor  # -1 mirrors left to right, 1 leaves
    flip_vertical: tf.Tensor  # -1 mirrors top to bottom, 1 leaves
    zoom: tf.Tensor  # magnification about the centre
    rotation: tf.Tensor  # radians, anticlockwise to the viewer
    shift_right: tf.Tensor  # fraction of the width
    shift_down: tf.Tensor  # fraction of the height
    brightness: tf.Tensor  # factor of the pixels: black stays black
    stretch: tf.Tensor | None = None  # width against height, the area kept
    shear: tf.Tensor | None = None  # radians by which the vertical leans
    border_swap: BorderSwap | None = None
    contrast: tf.Tensor | None = None  # factor of the differences from the image's mean
    gamma: tf.Tensor | None = None  # exponent of the pixels in 0..1
    blur: tf.Tensor | None = None  # share of the image at a quarter of its resolution, 0..1
    erased: Rectangle | None = None  # filled with the image's mean
    equalize: tf.Tensor | None = None  # share of the image with equalised histograms, 0..1
    resolution: tf.Tensor | None = None  # fraction of the side to which it is shrunk and back
    noise: Noise | None = None
    jpeg: tf.Tensor | None = None  # int32 (B,), quality of the compression, 1..95


def draw(recipe: Recipe, count: int, seed: tuple[int, int] | tf.Tensor) -> Draw:
    """Draw augmentations uniformly within the recipe's ranges.

    Turning one part on or off leaves the numbers of the others as they are.

    Args:
        recipe: Its fields under `metadata.AUGMENTATION`, and its region.
        count: The number of images B.
        seed: Two int32 numbers that fully decide the result.
    """
    # The algorithm is named: "auto_select" draws other numbers on other devices.
    unit = tf.random.stateless_uniform((7, count), seed, -1, 1, alg="philox")
    ones = tf.ones(count)
    return Draw(
        flip_horizontal=tf.where(unit[0] < 0, -1.0, 1.0) if recipe.flip_horizontal else ones,
        flip_vertical=tf.where(unit[1] < 0, -1.0, 1.0) if recipe.flip_vertical else ones,
        zoom=1 + recipe.zoom * unit[2],
        rotation=math.radians(recipe.rotation) * unit[3],
        shift_right=recipe.shift * unit[4],
        shift_down=recipe.shift * unit[5],
        brightness=1 + recipe.brightness * unit[6],
        **_draw_more(recipe, count, seed),
        **_draw_quality(recipe, count, seed),
    )


def _draw_more(recipe: Recipe, count: int, seed: tuple[int, int] | tf.Tensor) -> dict[str, Any]:
    """Draw the parts that are None where the recipe leaves them out."""
    swaps = count > 1 and recipe.border_swap  # an image by itself has no other's border to take
    parts = ("stretch", "shear", "contrast", "gamma", "blur", "erasing")
    if not (swaps or any(getattr(recipe, part) for part in parts)):
        return {}
    # A key of its own: the seven numbers above stay what they are.
    key = _further_seed(seed, 1)
    unit = tf.random.stateless_uniform((16, count), key, -1, 1, alg="philox")
    share = (unit + 1) / 2
    drawn: dict[str, Any] = {}
    if recipe.stretch:
        drawn["stretch"] = tf.exp(math.log1p(recipe.stretch) * unit[0])
    if recipe.shear:
        drawn["shear"] = math.radians(recipe.shear) * unit[1]
    if recipe.contrast:
        drawn["contrast"] = 1 + recipe.contrast * unit[2]
    if recipe.gamma:
        drawn["gamma"] = tf.exp(math.log1p(recipe.gamma) * unit[3])
    if recipe.blur:
        drawn["blur"] = recipe.blur * share[4]
    if recipe.erasing:
        is_erased = tf.cast(share[5] < recipe.erasing, tf.float32)
        width, height = (ERASED[0] + (ERASED[1] - ERASED[0]) * share[row] for row in (8, 9))
        drawn["erased"] = Rectangle(share[6], share[7], is_erased * width, height)
    if swaps:
        region = Rectangle(
            x=0.5 + REGION_SHIFT * unit[12],
            y=0.5 + REGION_SHIFT * unit[13],
            width=recipe.region_width * (1 + REGION_ZOOM * unit[14]),
            height=recipe.region_height * (1 + REGION_ZOOM * unit[15]),
        )
        # One distance for the batch: so each image gives its border once.
        distance = 1 + tf.cast(share[11][0] * (count - 1), tf.int32)
        partner = (tf.range(count) + distance) % count
        drawn["border_swap"] = BorderSwap(partner, share[10] < recipe.border_swap, region)
    return drawn


def first_of(drawn: Draw) -> Draw:
    """Return what was drawn for the first image only, whose border may be that of another."""

    def first(part: Any) -> Any:
        if part is None:
            return None
        if isinstance(part, Noise):
            return Noise(part.deviation[:1], part.seed)
        return type(part)(*map(first, part)) if isinstance(part, tuple) else part[:1]

    return Draw(*map(first, drawn))


def _draw_quality(recipe: Recipe, count: int, seed: tuple[int, int] | tf.Tensor) -> dict[str, Any]:
    """Draw the loss of quality, and the equalisation, as far as the recipe asks for them."""
    if not any(getattr(recipe, part) for part in ("equalize", "resolution", "noise", "jpeg")):
        return {}
    share = tf.random.stateless_uniform((4, count), _further_seed(seed, 2), alg="philox")
    drawn: dict[str, Any] = {}
    if recipe.equalize:
        drawn["equalize"] = recipe.equalize * share[0]
    if recipe.resolution:
        drawn["resolution"] = 1 - recipe.resolution * share[1]
    if recipe.noise:
        drawn["noise"] = Noise(recipe.noise * share[2], _further_seed(seed, 3))
    if recipe.jpeg:
        qualities = BEST_QUALITY + 1 - recipe.jpeg  # each as likely as another
        drawn["jpeg"] = recipe.jpeg + tf.cast(share[3] * qualities, tf.int32)
    return drawn


def _further_seed(seed: tuple[int, int] | tf.Tensor, number: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(tf.cast(seed, tf.int32), number, alg="philox")


def apply(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    """Augment images, float32 (B, H, W, C) in 0..255; same shape and range out.

    Interpolation is bilinear; what comes in from outside the image is black, as next to a
    collimated radiograph and around a segmented cell.
    """
    return finish(warp(images, drawn), drawn)


def warp(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    """Carry out the first part of `apply`, which moves pixels."""
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_inverse_transforms(drawn, height, width),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(warped, images.shape)


def finish(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    """Carry out the second part of `apply`: border swap, tone, quality and erasing.

    Args:
        images: All images, warped.
        drawn: The draws of all of them, or of the first n; the others only lend their borders.

    Returns:
        The images for which there are draws.
    """
    height, width, count = tf.shape(images)[1], tf.shape(images)[2], drawn.brightness.shape[0]
    swap = drawn.border_swap
    images = images[:count] if swap is None else _swap_borders(images, swap)
    changed = _change_tone(images, drawn) * _per_image(drawn.brightness)
    changed = _change_quality(tf.clip_by_value(changed, 0, 255), drawn)
    if drawn.erased is not None:
        inside = _is_inside(drawn.erased, height, width)
        changed = tf.where(inside, tf.reduce_mean(changed, [1, 2], keepdims=True), changed)
    return tf.ensure_shape(changed, (count, *images.shape[1:]))


def _per_image(numbers: tf.Tensor) -> tf.Tensor:
    return numbers[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _swap_borders(images: tf.Tensor, swap: BorderSwap) -> tf.Tensor:
    mask = region_mask(swap.region, tf.shape(images)[1], tf.shape(images)[2])
    mask = tf.where(_per_image(swap.swapped), mask, 1.0)
    own = images[: tf.shape(swap.partner)[0]]
    return mask * own + (1 - mask) * tf.gather(images, swap.partner)


def region_mask(region: Rectangle, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    r"""Return the soft mask of a region, (B, H, W, 1) in 0..1: 1 in its middle, 0 outside.

    With u and v the distances from its centre in half widths and half heights, the superellipse
    u^4 + v^4 = 1 is where the mask is 1/2; a sigmoid softens it over about a fifth of the region.
    """
    x, y = _coordinates(height, width)
    u = (x - _per_image(region.x)) / (_per_image(region.width) / 2)
    v = (y - _per_image(region.y)) / (_per_image(region.height) / 2)
    return tf.sigmoid(SOFTNESS * (1 - (u**4 + v**4) ** 0.25))


def _is_inside(rectangle: Rectangle, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    x, y = _coordinates(height, width)
    across = tf.abs(x - _per_image(rectangle.x)) < _per_image(rectangle.width) / 2
    return across & (tf.abs(y - _per_image(rectangle.y)) < _per_image(rectangle.height) / 2)


def _coordinates(height: int | tf.Tensor, width: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the places of pixel centres in 0..1: (1, 1, W, 1) and (1, H, 1, 1)."""
    along = [
        (tf.range(tf.cast(size, tf.float32)) + 0.5) / tf.cast(size, tf.float32)
        for size in (width, height)
    ]
    return along[0][tf.newaxis, tf.newaxis, :, tf.newaxis], along[1][
        tf.newaxis, :, tf.newaxis, tf.newaxis
    ]


def _change_tone(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    if drawn.equalize is not None:
        images += _per_image(drawn.equalize) * (equalize_histograms(images) - images)
    if drawn.contrast is not None:
        factor, mean = _per_image(drawn.contrast), tf.reduce_mean(images, [1, 2], keepdims=True)
        images = factor * images + (1 - factor) * mean
    if drawn.gamma is not None:
        images = 255 * (tf.clip_by_value(images, 0, 255) / 255) ** _per_image(drawn.gamma)
    return images


def equalize_histograms(images: tf.Tensor) -> tf.Tensor:
    r"""Spread the grey levels of each channel of each image evenly over 0..255.

    With N(v) the number of pixels of at most the level v, and a the lowest level that occurs,

        v -> 255 (N(v) - N(a)) / (N(255) - N(a)).

    Args:
        images: float32 (B, H, W, C) in 0..255, rounded to whole levels first.

    Returns:
        The same shape. A channel of one level stays as it is.
    """
    levels = tf.cast(tf.round(images), tf.int32)
    shape = tf.shape(levels)
    channels = shape[0] * shape[3]
    # A block of 256 levels for each channel of each image.
    block = tf.reshape(256 * tf.range(channels), (shape[0], 1, 1, shape[3]))
    bins = tf.reshape(levels + block, [-1])
    counts = tf.math.bincount(bins, minlength=256 * channels, maxlength=256 * channels)
    up_to = tf.cumsum(tf.reshape(counts, (channels, 256)), axis=1)  # N(v)
    lowest = tf.reduce_min(tf.where(up_to > 0, up_to, shape[1] * shape[2]), axis=1, keepdims=True)
    spread = tf.cast(up_to[:, -1:] - lowest, tf.float32)
    table = tf.math.divide_no_nan(255 * tf.cast(up_to - lowest, tf.float32), spread)
    equalized = tf.reshape(tf.gather(tf.reshape(table, [-1]), bins), shape)
    several = tf.reshape(spread > 0, (shape[0], 1, 1, shape[3]))
    return tf.where(several, equalized, images)


def _change_quality(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    if drawn.blur is not None:
        size = tf.shape(images)[1:3]
        coarse = tf.image.resize(images, tf.maximum(size // 4, 1), "area")
        images += _per_image(drawn.blur) * (tf.image.resize(coarse, size) - images)
    if drawn.resolution is not None:
        images = degradation.lower_resolution(images, drawn.resolution)
    if drawn.noise is not None:
        images = degradation.add_noise(images, *drawn.noise)
    if drawn.jpeg is not None:
        images = degradation.compress_as_jpeg(images, drawn.jpeg)
    return images


def _inverse_transforms(drawn: Draw, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    r"""Return the maps from output to input pixels as the operation takes them, (B, 8).

    Forward, about the centre c = ((W-1)/2, (H-1)/2), with y pointing down:

        out = R(rotation) K D zoom F (in - c) + c + shift,  F = diag(flips),
        D = diag(q, 1/q), q = sqrt(stretch),  K = [[1, k], [0, 1]], k = tan(shear),
        R(t) = [[cos t, sin t], [-sin t, cos t]]

    so, as F and R are orthogonal,

        in = F D^-1 K^-1 R(rotation)^T (out - c - shift) / zoom + c.

    The rows are (a0, a1, a2, b0, b1, b2, 0, 0) with in_x = a0 x + a1 y + a2, in_y = b0 x + ...
    """
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cosine, sine = tf.cos(drawn.rotation) / drawn.zoom, tf.sin(drawn.rotation) / drawn.zoom
    k = tf.zeros_like(sine) if drawn.shear is None else tf.tan(drawn.shear)
    q = tf.ones_like(sine) if drawn.stretch is None else tf.sqrt(drawn.stretch)
    a0 = drawn.flip_horizontal * (cosine - k * sine) / q
    a1 = -drawn.flip_horizontal * (sine + k * cosine) / q
    b0, b1 = drawn.flip_vertical * sine * q, drawn.flip_vertical * cosine * q
    origin_x = centre_x + drawn.shift_right * width
    origin_y = centre_y + drawn.shift_down * height
    a2 = centre_x - a0 * origin_x - a1 * origin_y
    b2 = centre_y - b0 * origin_x - b1 * origin_y
    zero = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)
