-- Which frames show an object?
--
-- `exr-inspector cryptomatte --coverage`, or events with `"cryptomatte": "coverage"`, store the coverage of
-- each Cryptomatte object. Areas are in pixels. An object that appears in no pixel has no row.
--
-- $name text such as dragon: A part of the object's name.
--
-- | sequence_or_file | name | frames | largest_area |
-- |---|---|---|---|
-- | hill/sq010/sh020/render/beauty.#.exr | /char/dragon/body | 1003, 1004, 1005 | 71.5 |
-- | hill/sq010/sh020/render/beauty.#.exr | /char/dragon/tail | 1005 | 3.25 |
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file, o.name,
       array_agg(f.frame_number ORDER BY f.frame_number) FILTER (WHERE f.frame_number IS NOT NULL) AS frames,
       max(o.area) AS largest_area
FROM cryptomatte_objects AS o
JOIN files AS f ON f.file_id = o.file_id
WHERE lower(o.name) LIKE concat('%', lower($name), '%') AND o.pixel_count > 0
GROUP BY 1, 2
ORDER BY 1, 2
