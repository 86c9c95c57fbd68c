-- Which frames are frozen?
--
-- Find frames whose pixels equal those of the previous frame. Headers may differ, and so may lossless compressions.
WITH steps AS (
  SELECT f.sequence_key, f.frame_number, p.hash,
         lag(p.hash) OVER (PARTITION BY f.sequence_key ORDER BY f.frame_number) AS hash_before
  FROM files AS f
  JOIN pixels AS p ON p.file_id = f.file_id
  WHERE f.sequence_key IS NOT NULL
)
SELECT sequence_key, array_agg(frame_number ORDER BY frame_number) AS frames
FROM steps
WHERE hash = hash_before
GROUP BY 1
ORDER BY 1
