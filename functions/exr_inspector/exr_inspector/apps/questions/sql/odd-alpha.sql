-- Where is alpha clipped or out of range?
--
-- Show the shares of samples outside 0 to 1, and of samples at 1.
--
-- $limit count = 100: The maximum number of rows.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file, f.frame_number, c.name, c.max,
       round(100 * c.alpha_outside, 1) AS percent_outside,
       round(100 * c.alpha_one, 1) AS percent_at_one
FROM channel_stats AS c
JOIN files AS f ON f.file_id = c.file_id
WHERE c.alpha_outside > 0
ORDER BY 5 DESC, 1, 2, 3
LIMIT $limit
