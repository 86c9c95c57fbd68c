-- Which frames have fireflies or holes?
--
-- Candidates in the pictures of completely read files: pixels far brighter than all their neighbors, and black or
-- invalid pixels among brighter ones. A star field has them too.
--
-- $limit count = 100: The maximum number of rows.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file, f.frame_number,
       max(c.firefly_count) AS fireflies, max(c.hole_count) AS holes
FROM channel_stats AS c
JOIN files AS f ON f.file_id = c.file_id
WHERE c.firefly_count > 0 OR c.hole_count > 0
GROUP BY 1, 2
ORDER BY 3 DESC, 4 DESC, 1, 2
LIMIT $limit
