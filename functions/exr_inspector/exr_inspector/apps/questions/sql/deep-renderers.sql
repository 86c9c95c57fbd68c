-- Which renderers wrote the deep images?
--
-- Count deep images and their bytes by the software that the files name.
--
-- | show_name | renderer | type | compression | files | bytes |
-- |---|---|---|---|---|---|
-- | tide | V-Ray 6.20.02 | deepscanline | zips | 3 | 24000 |
-- | tide | Karma 20.5.332 | deepscanline | zips | 2 | 12000 |
SELECT regexp_extract(f.file_path, $show, 1) AS show_name,
       coalesce(p.render_software, 'not stated') AS renderer,
       p.type, p.compression, count(*) AS files, sum(f.size_bytes) AS bytes
FROM files AS f
JOIN parts AS p ON p.file_id = f.file_id AND p.part_index = 0
WHERE f.is_deep
GROUP BY 1, 2, 3, 4
ORDER BY 1, bytes DESC
