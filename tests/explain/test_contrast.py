from dlmath.explain.contrast import contrast_metric
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS


def test_a_map_of_differences_tells_two_classes_apart(spot_parts, spot_image):
    method = METHODS["occlusion"]
    metric = contrast_metric(spot_parts, method, spot_image, 1, method(spot_parts, spot_image, 1))

    assert metric.passed
    assert metric.value < -0.9  # of two classes, what speaks for one speaks against the other


def test_a_map_of_the_image_alone_does_not(spot_parts, spot_image):
    def brightness(parts, image, index):
        return HeatMap(image.mean(axis=-1).astype("float32"), len(image))

    shown = brightness(spot_parts, spot_image, 1)
    metric = contrast_metric(spot_parts, brightness, spot_image, 1, shown)

    assert not metric.passed
    assert metric.value > 0.999


def test_of_several_classes_the_next_in_probability_is_the_rival(spot_parts, spot_image):
    asked = []

    def listens(parts, image, index):
        asked.append(index)
        return HeatMap(image[..., 0].astype("float32"), len(image))

    class Three:
        classes = 3

        @staticmethod
        def log_odds(images, index):
            return [{0: 0.1, 1: -3.0, 2: -1.0}[index]]

    contrast_metric(Three(), listens, spot_image, 0, listens(Three(), spot_image, 0))

    assert asked == [0, 2]
