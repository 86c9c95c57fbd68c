-- Which frames must be rendered again?
--
-- Find frames that exist but are incomplete, corrupt or not EXR files.
SELECT sequence_key, status, array_agg(frame_number ORDER BY frame_number) AS frames
FROM files
WHERE sequence_key IS NOT NULL AND status IN ('incomplete', 'corrupt', 'unsupported')
GROUP BY 1, 2
ORDER BY 1, 2
