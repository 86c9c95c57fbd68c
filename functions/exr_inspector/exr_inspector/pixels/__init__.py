"""Pixel statistics: read chunks by ranges, decode them in a helper process, accumulate exactly.

`stats.pixel_stats` measures a file. `image.read_image` gives a small image of chosen channels. Both stand on
one seam, which anything else that needs decoded pixels can use:

    with closing(PixelFile(source, settings.limits)) as file:
        stream = file.stream(part, ["R", "G", "B"])
        for group in stream.groups(plan_full(stream.layout)):
            if group.has_lines:
                red = group.plane(0)

`groups` yields consecutive lines in order of y, of about 8 MiB decoded, whatever the part is: scan lines or
tiles, any compression, any order in the file. What could not be decoded is in `stream.failures`.
"""
