-- Which frames have an unusual size?
--
-- Find complete frames smaller than half or larger than twice the median of their sequence: black frames, dropped
-- layers, unintended overscan.
--
-- $factor number = 2: How many times smaller or larger than the median.
WITH sized AS (
  SELECT sequence_key, frame_number, size_bytes,
         median(size_bytes) OVER (PARTITION BY sequence_key) AS usual_bytes
  FROM files
  WHERE sequence_key IS NOT NULL AND status = 'ok'
)
SELECT sequence_key, frame_number, size_bytes, usual_bytes
FROM sized
WHERE size_bytes < usual_bytes / $factor OR size_bytes > usual_bytes * $factor
ORDER BY 1, 2
