-- Which properties change within a sequence?
--
-- Find sequences whose resolution, compression, color space or software is not the same in every frame.
WITH facts AS (
  SELECT f.sequence_key, p.compression, p.color_space, p.render_software,
         concat(CAST(p.display_width AS varchar), ' x ', CAST(p.display_height AS varchar)) AS resolution
  FROM files AS f
  JOIN parts AS p ON p.file_id = f.file_id AND p.part_index = 0
  WHERE f.sequence_key IS NOT NULL
)
SELECT sequence_key,
       array_agg(DISTINCT resolution ORDER BY resolution) AS resolutions,
       array_agg(DISTINCT compression ORDER BY compression) AS compressions,
       array_agg(DISTINCT color_space ORDER BY color_space) AS color_spaces,
       array_agg(DISTINCT render_software ORDER BY render_software) AS software
FROM facts
GROUP BY 1
HAVING count(DISTINCT resolution) > 1
    OR count(DISTINCT compression) > 1
    OR count(DISTINCT coalesce(color_space, '')) > 1
    OR count(DISTINCT coalesce(render_software, '')) > 1
ORDER BY 1
