WITH sized AS (
  SELECT sequence_key, frame_number, size_bytes,
         approx_percentile(size_bytes, 0.5) OVER (PARTITION BY sequence_key) AS usual_bytes
  FROM files
  WHERE sequence_key IS NOT NULL AND status = 'ok'
)
SELECT sequence_key, frame_number, size_bytes, usual_bytes
FROM sized
WHERE size_bytes < usual_bytes / $factor OR size_bytes > usual_bytes * $factor
ORDER BY 1, 2
