-- How many bytes does each layer take?
--
-- The sizes are estimates: the packed chunks of a part, divided among its channels by their unpacked size. They need no
-- pixels, so a sample is enough. If a layer is a separate part, its size is exact.
SELECT regexp_extract(s.file_path, $show, 1) AS show_name,
       coalesce(c.layer_name, '(main)') AS layer,
       count(DISTINCT s.file_id) AS files,
       sum(s.packed_bytes) AS bytes
FROM channel_stats AS s
JOIN channels AS c ON c.file_id = s.file_id AND c.part_index = s.part_index AND c.name = s.name
GROUP BY 1, 2
ORDER BY 4 DESC, 1, 2
