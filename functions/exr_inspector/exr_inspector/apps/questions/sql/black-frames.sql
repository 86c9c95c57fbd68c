-- Which frames are black?
--
-- No sample of the main layer is brighter than 0.001.
--
-- $brightest number = 0.001: The maximum value of a sample.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file, f.frame_number, max(c.max) AS brightest
FROM channel_stats AS c
JOIN files AS f ON f.file_id = c.file_id
WHERE c.name IN ('R', 'G', 'B', 'Y')
GROUP BY 1, 2
HAVING max(c.max) <= $brightest
ORDER BY 1, 2
