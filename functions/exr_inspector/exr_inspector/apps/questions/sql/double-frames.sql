-- Which frames exist twice?
--
-- Find frames whose names differ only in padding.
SELECT concat(regexp_extract(sequence_key, '^(.*[^#@])[#@]', 1), '#',
              regexp_extract(sequence_key, '[.][^.]*$')) AS any_padding,
       frame_number,
       array_agg(file_path ORDER BY file_path) AS paths
FROM files
WHERE sequence_key IS NOT NULL
GROUP BY 1, 2
HAVING count(*) > 1
ORDER BY 1, 2
