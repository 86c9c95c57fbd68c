-- Which sequences take the most space?
--
-- The mean frame size predicts the cost of a longer shot.
SELECT sequence_key, count(*) AS frames, sum(size_bytes) AS bytes, round(avg(size_bytes)) AS bytes_per_frame
FROM files
WHERE sequence_key IS NOT NULL
GROUP BY 1
ORDER BY bytes DESC, 1
LIMIT $limit
