from dlmath.data.found_files import found_line, left_out_line


def test_images_are_counted_by_format_the_most_first():
    formats = {"TIFF": 20, "JPEG": 1105, "BMP": 20}
    assert found_line(formats) == "Found 1,145 images: 1,105 JPEG, 20 BMP, 20 TIFF."
    assert found_line({"PNG": 1}) == "Found 1 image: 1 PNG."


def test_each_kind_of_file_left_out_says_why():
    passed_over = {
        "*.avif": 12,
        "*.txt": 2,
        "*": 1,
        "dead links": 3,
        "folders inside class folders": 4,
    }
    assert left_out_line(passed_over) == (
        "Left out: 12 files *.avif (an image format that is not read: convert them to PNG), 4 "
        "folders inside class folders, 3 dead links, 2 files *.txt (no images), 1 file without an "
        "ending (no images)."
    )
    once = left_out_line({"dead links": 1, "Thumbs.db": 1})
    assert once == "Left out: 1 Thumbs.db, 1 dead link."
    assert left_out_line({}) is None
